"""Lint OpenAPI documents: find mistakes, such as examples that do not match their own schema."""
