"""uvicorn's parser, with the connection itself in the scope: ASGI has no way to close one without an answer."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockserver.misery import TRANSPORT


class Protocol(HttpToolsProtocol):
    """Puts the transport into the scope of every request, for recipes that break a connection."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]
