"""Send callbacks: over HTTP, or directly to an ASGI or WSGI application."""
