"""Proofs of breaking changes. A proof is a request body that the old schema accepts and the new schema rejects."""
