"""What all endpoints need of HTTP: requests, bodies, responses, errors, the middleware and the access log."""
