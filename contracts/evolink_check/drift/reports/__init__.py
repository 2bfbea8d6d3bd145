"""Reports of a comparison: one module for each format."""
