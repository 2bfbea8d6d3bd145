"""Reports of a client check: one module for each format."""
