"""Stores: where the state of a mock is kept."""
