"""The ASGI endpoints of the simulated API, and the checks of requests."""
