"""Many documents: which files, what is cached, which document describes a model."""
