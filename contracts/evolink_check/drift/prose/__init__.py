"""Find facts that only `description` texts state, such as numbers, lists of formats, defaults, and old model names."""
