"""The parts of an operation: its requirements, its error responses, and what its descriptions say."""
