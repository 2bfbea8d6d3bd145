"""Reports of a client check, one module a format."""
