"""Compare two versions of documents: the changes, who is affected, and which changes break clients."""
