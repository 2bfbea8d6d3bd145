"""The ASGI app of the mock, and its sockets and connections."""
