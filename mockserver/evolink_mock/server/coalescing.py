"""A transport that writes the head of a response together with its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_INTERIM = b"HTTP/1.1 1"  # an interim response, such as 100 Continue, is written immediately
_HEAD = b"HTTP/1."


class CoalescingTransport:
    """Delays the head of a response until the body begins.

    A head without a body is written when the response or the connection ends. `close` calls the constructor's argument
    `continue_reading`. If the client is still sending a request, this function begins to drop the received data. The
    function then returns True.
    """

    __slots__ = ("_continue_reading", "_head", "_transport", "_write", "is_closing", "write_response")

    def __init__(self, transport: asyncio.Transport, continue_reading: Callable[[], bool]) -> None:
        self._continue_reading = continue_reading
        self._head = b""
        self._transport = transport
        self._write = self.write_response = transport.write  # `write_response` writes a whole response
        self.is_closing: Callable[[], bool] = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write `data`. A response head is kept. The next call writes the head and the new data together."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD) and data.endswith(b"\r\n\r\n") and not data.startswith(_INTERIM):
            self._head = data
            return
        self._write(data)

    def flush(self) -> None:
        """Write a delayed head without waiting for a body."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def close(self) -> None:
        """Close the connection after everything is written.

        If the client is still sending a request, close the connection for writing, but continue to read. The next call
        of `close` then closes the connection completely.
        """
        self.flush()
        if self._transport.is_closing() or not self._continue_reading():
            self._transport.close()
            return
        self.is_closing = lambda: True
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the wrapped transport."""
        return getattr(self._transport, name)
