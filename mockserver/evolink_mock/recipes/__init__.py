"""Recipes: short texts by which a test requests an outcome.

For example, `429*2, ok` stands for two errors and then success.
"""
