"""The changes of operations and models, except changes that only descriptions state."""
