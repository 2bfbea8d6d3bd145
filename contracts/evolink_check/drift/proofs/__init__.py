"""Proofs of breaking changes. A proof is a request body.

The old schema accepts the body, and the new schema rejects it.
"""
