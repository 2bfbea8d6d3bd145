"""The parts of an operation: its requirements, its error responses, and the facts in its descriptions."""
