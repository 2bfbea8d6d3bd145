"""Read a request body, and keep its beginning in the exchange whatever becomes of the request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from evolink_mock.domain.exchange import KEPT
from evolink_mock.http.errors import ApiError
from evolink_mock.http.requests import ClientDisconnectedError, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive

    from evolink_mock.domain.exchange import Exchange

_FILL_SECONDS = 1.0


async def receive_body(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, exchange: Exchange
) -> bytes | ApiError:
    """The whole body, or the error for one of more than `limit` bytes. Raises `ClientDisconnectedError`."""
    recorder = _BodyRecorder(receive, exchange)
    body = await read_body(recorder.receive, headers, limit)
    is_unread = isinstance(body, ApiError) and not exchange.request_body
    if is_unread and b"expect" not in headers:  # a client that expects a 100 has not sent any of it yet
        await recorder.fill()
    return body


async def keep_body(receive: Receive, exchange: Exchange) -> None:
    """Read and keep the beginning of the body of a request that is refused. Raises `ClientDisconnectedError`."""
    if not any(name == b"expect" for name, _ in exchange.request_headers):
        await _BodyRecorder(receive, exchange).fill()


class _BodyRecorder:
    """Keeps the first `KEPT` bytes of all that is received."""

    def __init__(self, receive: Receive, exchange: Exchange) -> None:
        self._receive = receive
        self._exchange = exchange
        self._is_complete = False

    async def receive(self) -> Message:
        """The next message."""
        message = await self._receive()
        exchange = self._exchange
        if message["type"] == "http.request":
            if len(exchange.request_body) < KEPT:
                exchange.request_body = (exchange.request_body + message.get("body", b""))[:KEPT]
            self._is_complete = not message.get("more_body")
        return message

    async def fill(self) -> None:
        """Receive until the beginning is complete, for a second at most: a client may wait for its response."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FILL_SECONDS):
                while not self._is_complete and len(self._exchange.request_body) < KEPT:
                    if (await self.receive())["type"] == "http.disconnect":
                        raise ClientDisconnectedError
