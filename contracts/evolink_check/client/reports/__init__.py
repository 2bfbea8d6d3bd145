"""Reports of a client check, with one module for each format."""
