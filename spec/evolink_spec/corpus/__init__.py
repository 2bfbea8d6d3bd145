"""Many documents: the selection of files, the cache, and the index of models."""
