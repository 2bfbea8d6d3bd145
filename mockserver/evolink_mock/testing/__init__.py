"""The Python API for tests: `MockServer`, accounts, the callback receiver and the pytest plugin."""
