"""Find facts in `description` texts, such as numbers, file formats, defaults and old model names."""
