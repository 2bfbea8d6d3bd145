"""Find facts in `description` texts, such as numbers, lists of formats, defaults and old model names."""
