"""The lint of documents: finds contradictions within a document, and statements on which a client cannot rely."""
