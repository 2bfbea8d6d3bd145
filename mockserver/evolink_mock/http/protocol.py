"""uvicorn's protocol, with an answer in one piece, and with the connection itself in the scope.

uvicorn writes the head of an answer and its body apart: two system calls, a third of the time of a small answer.
ASGI has no way to close a connection without an answer: recipes that break one find it in the scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evolink_mock.http.connection import TRANSPORT

if TYPE_CHECKING:
    import asyncio

_INTERIM = b"HTTP/1.1 1"  # 100 Continue: the client waits for it
_HEAD = b"HTTP/1."


class CoalescingTransport:
    """A transport that holds the head of an answer back until the first of its body, its end, or the connection's."""

    __slots__ = ("_head", "_transport", "_write", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._head = b""
        self._transport = transport
        self._write = transport.write
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write, together with the head that was held back."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and data.endswith(b"\r\n\r\n") and not data.startswith(_INTERIM):
            self._head = data
            return
        self._write(data)

    def flush(self) -> None:
        """Write a head that no body follows."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def close(self) -> None:
        """Close when all is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's."""
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin a connection."""
        super().connection_made(cast("asyncio.Transport", CoalescingTransport(transport)))

    def on_message_begin(self) -> None:
        """Begin a request: put the connection into its scope."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]

    def on_response_complete(self) -> None:
        """End an answer: one to HEAD has no body that would have taken its head along."""
        cast("CoalescingTransport", self.transport).flush()
        super().on_response_complete()
