"""The lint of documents. It finds contradictions within a document, and statements on which a client cannot rely."""
