"""The parts of an operation, such as its parameters, its error responses, and the facts in its descriptions."""
