"""Command-line options that are declared as fields of records, for the commands of both packages."""
