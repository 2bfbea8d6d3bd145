"""The ASGI endpoints of the simulated API, the checks of requests, and the validation of request bodies."""
