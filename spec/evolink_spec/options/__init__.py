"""Command-line options of `evolink-mock` and `evolink-check`, which are declared as fields of records."""
