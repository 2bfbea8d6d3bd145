"""Serving in one process, or in several worker processes that share a store."""
