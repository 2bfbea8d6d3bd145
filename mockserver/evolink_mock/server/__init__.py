"""The ASGI application, and the sockets and connections that serve it."""
