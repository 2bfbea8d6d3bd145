"""Recognize credentials in texts, headers and JSON: by the name before a value, or by the value's form."""
