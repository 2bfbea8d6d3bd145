"""HTTP for all endpoints: requests, responses, errors, middleware and access log."""
