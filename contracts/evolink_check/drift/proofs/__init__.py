"""Proofs of breaking changes: bodies that the old schema accepts and the new one refuses."""
