"""Recognize credentials in traffic: by the name of a value, its form, and the words around it."""
