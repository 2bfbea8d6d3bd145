"""Select and read many OpenAPI documents, and choose the document for each model."""
