"""Serving in one process, or in several processes with one shared store."""
