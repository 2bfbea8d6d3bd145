"""The ASGI application and the sockets it is served on."""
