"""Recipes: outcomes that a test requests."""
