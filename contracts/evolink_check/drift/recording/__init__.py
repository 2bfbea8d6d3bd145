"""Compare recorded traffic with OpenAPI documents.

Find undocumented traffic, and documented values that were never recorded.
"""
