"""The lint of documents: what a document says that contradicts itself, or that a client cannot rely on."""
