"""Compare recorded traffic with OpenAPI documents.

Find traffic that the documents do not describe, and documented values that were never recorded.
"""
