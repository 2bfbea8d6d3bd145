"""Recorded traffic: the trace, redaction, HAR."""
