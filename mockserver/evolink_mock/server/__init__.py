"""The ASGI application of the mock, and the sockets and connections that serve it."""
