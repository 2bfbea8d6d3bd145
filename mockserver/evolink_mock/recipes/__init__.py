"""Recipes: outcomes a test asks for."""
