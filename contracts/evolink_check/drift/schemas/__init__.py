"""Schemas in a normal form, and the differences between them."""
