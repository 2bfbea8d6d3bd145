"""Receivers of callbacks with one fault each, and honest ones."""
