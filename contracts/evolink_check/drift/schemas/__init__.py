"""Schemas in a normal form, which are called shapes, and the differences between shapes."""
