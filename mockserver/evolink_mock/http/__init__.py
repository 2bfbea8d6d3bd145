"""HTTP in and out: requests, responses, errors, middleware, access log."""
