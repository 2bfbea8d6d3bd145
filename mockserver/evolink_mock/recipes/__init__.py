"""Recipes: short texts by which a test requests an outcome, such as `429*2, ok` for two errors and then success."""
