"""Command-line options declared as records, for the commands of both packages."""
