"""Read a request body, and record its beginning in the exchange.

The beginning is also recorded if the request is rejected.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from evolink_mock.domain.exchange import KEPT, SCOPE_KEY
from evolink_mock.http.connection import WHOLE_BODY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import too_large
from evolink_mock.http.requests import ClientDisconnectedError, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope

    from evolink_mock.domain.exchange import Exchange

_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}
PATIENCE_SECONDS = 0.3  # maximum wait for a body that is not needed; its client may wait for the response


async def receive_body(
    scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], limit: int
) -> bytes | ApiError:
    """Return the complete body.

    Returns an error if the body exceeds `limit` bytes or takes too long. Raises `ClientDisconnectedError` if the client
    disconnects too early.
    """
    exchange: Exchange = scope[SCOPE_KEY]
    if WHOLE_BODY in scope:  # the body is one message that has already arrived
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        return keep_whole_body(exchange, message.get("body", b""), limit)
    with _BodyRecorder(receive, exchange) as recorder:
        received = await read_body(recorder.receive, headers, limit)
        if isinstance(received, ApiError) and not recorder.beginning:
            await recorder.fill()
        return received


def keep_whole_body(exchange: Exchange, body: bytes, limit: int) -> bytes | ApiError:
    """Record the beginning of a body that has been received completely.

    Returns the complete body, or an error if the body exceeds `limit` bytes.
    """
    exchange.request_body = body[:KEPT]
    return body if len(body) <= limit else too_large(limit)


async def keep_body(scope: Scope, receive: Receive) -> None:
    """Record the beginning of a body that no endpoint reads.

    The bytes that arrive within `PATIENCE_SECONDS` are recorded. Raises `ClientDisconnectedError` if the client
    disconnects within this time.
    """
    exchange: Exchange = scope[SCOPE_KEY]
    with _BodyRecorder(receive, exchange) as recorder:
        await recorder.fill()


async def keep_unread_body(scope: Scope, receive: Receive) -> None:
    """Record the beginning of the body of a GET, HEAD or OPTIONS request.

    Raises `ClientDisconnectedError` if the client disconnects too early.
    """
    exchange: Exchange = scope[SCOPE_KEY]
    # No endpoint reads the body of these requests.
    if exchange.method in _WITHOUT_BODY and any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in exchange.request_headers
    ):
        await keep_body(scope, receive)


class _BodyRecorder:
    def __init__(self, receive: Receive, exchange: Exchange) -> None:
        self.beginning = bytearray()
        self._receive = receive
        self._exchange = exchange
        self._is_complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.beginning:  # otherwise, a body that was recorded before is kept
            self._exchange.request_body = bytes(self.beginning)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            missing = KEPT - len(self.beginning)
            if missing > 0:
                self.beginning += message.get("body", b"")[:missing]
            self._is_complete = not message.get("more_body")
        return message

    async def fill(self) -> None:
        """Receive until `KEPT` bytes or the whole body have arrived."""
        # Receiving would send a `100 Continue`, and so make the client send the body.
        if any(name == b"expect" for name, _ in self._exchange.request_headers):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self._is_complete and len(self.beginning) < KEPT:
                    if (await self.receive())["type"] == "http.disconnect":
                        raise ClientDisconnectedError
