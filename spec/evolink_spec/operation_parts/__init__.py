"""How the parts of an operation are read: parameters, error responses, and facts in descriptions."""
