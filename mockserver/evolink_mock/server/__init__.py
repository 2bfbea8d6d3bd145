"""The ASGI app of the mock, and the sockets and connections through which it is served."""
