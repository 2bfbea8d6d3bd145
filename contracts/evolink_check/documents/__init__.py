"""The lint of OpenAPI documents, which finds contradictions, and statements on which a client cannot rely."""
