"""The operations of documents, and two versions of one operation."""
