"""Both ends of an ASGI request as the proxy uses them: what the client sends, and what it is answered."""

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
    """The client left before its request was complete."""


class RequestReader:
    """What the client sends, and whether it is still there."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = asyncio.Event()

    async def body(self, passed: PendingExchange) -> AsyncIterator[bytes]:
        """The body, as it comes. Raises `ClientDisconnectedError`."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                passed.request.add(chunk)
                yield chunk
        passed.request_complete = True
        self._complete.set()

    async def gone(self) -> None:
        """Return when the client has left, after its request."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class ResponseWriter:
    """The answer to the client."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Begin it. That of a 304 has no length of its own."""
        self.started = True
        if status == _NOT_MODIFIED:
            headers = [one for one in headers if one[0].lower() != b"content-length"]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, chunk: bytes) -> None:
        """Send a part of the body, when the client is ready to take it."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """End it."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def refuse(self, status: int, message: str) -> None:
        """An answer of the proxy's own."""
        said = {"code": "proxy_error", "message": f"evolink-check proxy: {message}", "type": "api_error"}
        body = json.dumps({"error": said}, separators=(",", ":")).encode()
        kind, length = (b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))
        await self.start(status, [kind, length])
        await self.send(body)
        await self.end()
