"""Recipes, by which a test requests certain outcomes: their grammar, effects, sources and assignment."""
