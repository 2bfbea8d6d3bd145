"""Builders of documents, records, traces and reports."""
