"""The `evolink-mock` command."""
