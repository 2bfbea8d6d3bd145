"""The operations of OpenAPI documents, and pairs of two versions of an operation."""
