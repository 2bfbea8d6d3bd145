"""Read ASGI requests and send ASGI responses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from evolink_check.proxy.recorder import Headers, PendingExchange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_NOT_MODIFIED = 304


class ClientDisconnectedError(Exception):
    """The client disconnected before its request was complete."""


class RequestReader:
    """Reads a request, and detects whether the client has disconnected."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = asyncio.Event()

    async def body(self, pending: PendingExchange) -> AsyncIterator[bytes]:
        """Yield the chunks of the request body as they arrive.

        Each chunk is also added to `pending`. Raises `ClientDisconnectedError` if the client disconnects before the end
        of the body.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                pending.request.add(chunk)
                yield chunk
        pending.request_complete = True
        self._complete.set()

    async def disconnected(self) -> None:
        """Wait until the client disconnects after its complete request.

        If the client disconnects before its request is complete, this method never returns. In that case, `body` raises
        `ClientDisconnectedError`, and the caller must cancel this method.
        """
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class ResponseWriter:
    """Writes a response to the client."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status and the headers to the client.

        A 304 is sent without the header Content-Length.
        """
        self.started = True
        if status == _NOT_MODIFIED:
            headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, chunk: bytes) -> None:
        """Send a chunk of the response body.

        This method returns when the client can receive more.
        """
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """Tell the ASGI server that the response body is complete."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def refuse(self, status: int, message: str) -> None:
        """Send the client an error response of the proxy."""
        error = {"code": "proxy_error", "message": f"evolink-check proxy: {message}", "type": "api_error"}
        body = json.dumps({"error": error}, separators=(",", ":")).encode()
        kind, length = (b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))
        await self.start(status, [kind, length])
        await self.send(body)
        await self.end()
