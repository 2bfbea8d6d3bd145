"""Recognize credentials in texts, headers and JSON.

A credential is recognized by the name before it or by its form.
"""
