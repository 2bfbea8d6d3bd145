"""Read the parts of an operation: parameters, error responses, and facts in descriptions."""
