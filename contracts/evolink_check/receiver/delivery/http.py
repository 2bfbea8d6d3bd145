"""Send callbacks over HTTP, each over a separate connection."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from evolink_check import clock
from evolink_check.receiver.delivery.callback_sender import headers_of, parts_of, timed
from evolink_check.receiver.records import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_check.receiver.records import Callback, Timing

# Seconds to wait for a connection on this machine before the next attempt. A receiver whose queue is full ignores
# connection attempts, and the operating system repeats them too slowly.
_CONNECT = 0.2
_AT_ONCE = 4  # maximum number of connections that are opened at the same time
_BETWEEN = 0.05  # seconds between two attempts to connect
_KEPT = 65_536  # maximum number of bytes that are kept of a response


class HttpSender:
    """Sends callbacks to a URL.

    `ca` is a PEM file with the certificate authority of an https receiver. If `ca` is None, the public authorities are
    trusted.
    """

    framings = frozenset({"plain", "chunked", "slow"})

    def __init__(self, timing: Timing, ca: Path | None = None) -> None:
        self._timing = timing
        self._timeout = {
            True: httpx2.Timeout(None, connect=_CONNECT),
            False: httpx2.Timeout(None, connect=timing.limit / 2),
        }
        self._connecting = asyncio.Semaphore(_AT_ONCE)
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        verify = True if ca is None else ssl.create_default_context(cafile=ca)
        self._http = httpx2.AsyncClient(limits=limits, trust_env=False, follow_redirects=False, verify=verify)

    async def send(self, callback: Callback, limit: float) -> Reply:
        """Send a callback.

        If the receiver is too busy to accept the connection, the sender tries again to connect. The sender gives up
        after about `limit` seconds.
        """
        return await timed(lambda: self._send(callback), limit)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(self, callback: Callback) -> Reply:
        began = clock.now()
        while True:
            try:
                return await self._attempt(callback, began)
            except httpx2.ConnectTimeout:
                await asyncio.sleep(_BETWEEN)
            except httpx2.ConnectError as error:
                return Reply(0, began, clock.now(), problem=f"no connection: {error}")
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                return Reply(0, began, clock.now(), problem=f"no answer: {error or type(error).__name__}")

    async def _attempt(self, callback: Callback, began: float) -> Reply:
        content = callback.body if callback.framing == "plain" else parts_of(callback, self._timing.pause)
        request = self._http.build_request(
            "POST", callback.url, content=content, headers=headers_of(callback),
            timeout=self._timeout[_is_local(callback.url)],
        )  # fmt: skip
        answer = await self._connect_and_send(request)
        body = b""
        try:
            async for chunk in answer.aiter_bytes():
                body = (body + chunk)[:_KEPT]
        finally:
            await answer.aclose()
        return Reply(answer.status_code, began, clock.now(), tuple(answer.headers.multi_items()), body)

    async def _connect_and_send(self, request: httpx2.Request) -> httpx2.Response:
        # A receiver with a full queue of new connections drops further connections.
        await self._connecting.acquire()
        is_connecting = True

        def end_connecting() -> None:
            nonlocal is_connecting
            if is_connecting:
                is_connecting = False
                self._connecting.release()

        async def trace(event: str, _: object) -> None:
            if event == "connection.connect_tcp.complete":
                end_connecting()

        request.extensions["trace"] = trace
        try:
            return await self._http.send(request, stream=True)
        finally:
            end_connecting()


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
