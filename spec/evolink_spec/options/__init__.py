"""Command-line options of `evolink-mock` and `evolink-check`, declared as record fields."""
