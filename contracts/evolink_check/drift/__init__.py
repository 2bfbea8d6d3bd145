"""Compare two versions of documents: what changed, which side it affects, and which changes break clients."""
