"""The `evolink-check` command: its options, configuration and output."""
