"""Reports on a run: one module for each format."""
