"""What a run has found, shown: one module a format."""
