"""`serve`: one process, or several over one shared store."""
