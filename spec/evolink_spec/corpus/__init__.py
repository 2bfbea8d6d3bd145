"""Reading many OpenAPI documents: selection of files, cache, and the choice of the document for each model."""
