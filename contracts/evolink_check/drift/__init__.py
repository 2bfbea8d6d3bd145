"""Compare two versions of OpenAPI documents, and find the changes that break clients."""
