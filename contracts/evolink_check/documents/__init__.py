"""The lint of OpenAPI documents. It finds contradictions, and statements on which a client cannot rely."""
