"""HTTP for all endpoints: reading requests, building responses and errors, the middleware and the access log."""
