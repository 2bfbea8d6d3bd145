"""Clients with one fault each."""
