"""The selection of files, the cache of documents, and the index that finds the document of a model."""
