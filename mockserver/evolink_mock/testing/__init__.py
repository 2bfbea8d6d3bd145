"""The Python API for tests: `MockServer`, accounts, the pytest plugin."""
