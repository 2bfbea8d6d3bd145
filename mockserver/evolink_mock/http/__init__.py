"""The parts of HTTP that all endpoints need: requests, bodies, responses, errors, the middleware and the access log."""
