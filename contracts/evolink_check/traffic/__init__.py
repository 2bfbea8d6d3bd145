"""Recorded traffic: the `Trace` and its entries, the redaction of secrets, and HAR files."""
