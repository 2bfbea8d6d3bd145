"""Reports on a run, with one module for each format."""
