"""The `evolink-check` command: options, configuration, output."""
