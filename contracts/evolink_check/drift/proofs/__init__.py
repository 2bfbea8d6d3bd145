"""Proofs of breaking changes: request bodies that the old schema accepts and the new one rejects."""
