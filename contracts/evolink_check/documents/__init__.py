"""Lint OpenAPI documents, for example find examples that do not match their schema."""
