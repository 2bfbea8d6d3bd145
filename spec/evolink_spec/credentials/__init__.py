"""Recognize credentials in texts, headers and JSON.

A credential is recognized if a name such as `password` precedes it, or if it looks like an API key.
"""
