"""The operations of documents, and pairs of two versions of one operation."""
