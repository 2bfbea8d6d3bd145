"""Forward requests to the upstream server, and record the exchanges.

The header Host names the upstream server. Header names are in lower case. Hop-by-hop headers are left out. The header
Expect of a request is left out. The header Content-Length of a 304 is left out.

Bodies are forwarded as they arrive. A content coding, such as gzip, is not decoded.

With the option --headers, the proxy holds each response until the response is judged. The header `X-Evolink-Check` then
contains the result. For large response bodies, images, audio and video, the header contains `not judged`.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from httpcore2 import ConnectError, ConnectTimeout, LocalProtocolError, TimeoutException, default_ssl_context

from evolink_check import clock
from evolink_check.proxy.asgi import ClientDisconnectedError, RequestReader, ResponseWriter
from evolink_check.proxy.recorder import Body, PendingExchange, kept_of
from evolink_check.transport.connections import Connections, Head, Limits, Origin
from evolink_check.transport.env_proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from evolink_check.proxy.asgi import Receive, Scope, Send
    from evolink_check.proxy.recorder import Headers, ProxyRecorder
    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.connections import Response

    Opinion = Callable[[Entry], str]

OPINION = b"X-Evolink-Check"
NOT_JUDGED = "not judged"
_PORTS = {"http": 80, "https": 443}
_CONNECT_SECONDS = 20.0
_IDLE_SECONDS = 2.0  # older idle connections are not reused, because the server may be about to close them
_STOP_SECONDS = 1.0  # seconds in which exchanges in progress may end when the proxy stops
_LAST_STATUS = 599
_HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
    *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind the proxy."""

    scheme: str
    host: str
    port: int
    path: str  # of the base URL, without a slash at the end, such as `/v1`; may be empty

    @classmethod
    def at(cls, url: str) -> Upstream:
        """Return the upstream server with this base URL, which must be valid."""
        parts = urlsplit(url)
        return cls(
            parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.path.rstrip("/")
        )

    @property
    def authority(self) -> bytes:
        """The value of the header Host.

        The port is left out if it is the default port of the scheme.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")


class ForwardingApp:
    """The proxy as an ASGI application.

    `opinion` judges an exchange and returns the value of the header `X-Evolink-Check`. Calls of `opinion` run in a
    separate thread. If `opinion` is None, the proxy does not add the header.
    """

    def __init__(
        self,
        upstream: Upstream,
        record: ProxyRecorder,
        ca: Path | None = None,
        opinion: Opinion | None = None,
    ) -> None:
        self._upstream = upstream
        self._recorder = record
        self._opinion = opinion
        self._connections = Connections(
            Limits(_CONNECT_SECONDS, None, _IDLE_SECONDS), cache(partial(_tls_context, ca))
        )
        self._under_way: set[asyncio.Task[None]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request, and send its response to the client.

        If the client disconnects, the exchange is cancelled.
        """
        reader = RequestReader(receive)
        passing = asyncio.create_task(self._pass(scope, reader, send))
        leaving = asyncio.create_task(reader.disconnected())
        self._under_way.add(passing)
        try:
            await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
            leaving.cancel()
            await asyncio.gather(passing, leaving, return_exceptions=True)
            self._under_way.discard(passing)

    async def close(self) -> None:
        """Stop the proxy.

        Exchanges in progress have one second to end. After that, the exchanges are cancelled.
        """
        self._ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_STOP_SECONDS)
        for passing in self._under_way:
            passing.cancel()
        await self._connections.aclose()

    async def _pass(self, scope: Scope, reader: RequestReader, send: Send) -> None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        target = scope["raw_path"] + query
        pending = PendingExchange(
            scope["method"], target.decode("latin-1"), clock.now(), self._forwarded_headers(scope["headers"])
        )
        writer = ResponseWriter(send)
        try:
            async with self._send(pending, target, reader.body(pending)) as response:
                await self._respond(response, pending, writer)
        except ClientDisconnectedError:
            self._record_cut(pending, "the client disconnected before its request was complete")
        except asyncio.CancelledError:
            self._record_cut(pending, "the exchange was cancelled before the response was complete")
            if self._ending and not writer.started:
                await writer.refuse(502, "the proxy was stopped before the server responded")
            raise
        except Exception as error:  # noqa: BLE001  (nothing that the server does may end the proxy)
            await self._fail(error, pending, writer)

    @asynccontextmanager
    async def _send(
        self, pending: PendingExchange, target: bytes, body: AsyncIterator[bytes]
    ) -> AsyncIterator[Response]:
        up = self._upstream
        origin = Origin(up.host, up.port, tls=up.scheme == "https")
        names = {name.lower() for name, _ in pending.request_headers}
        content = body if names & {b"content-length", b"transfer-encoding"} else b""
        if not content:
            await anext(body, b"")  # reads the end of the empty body, which marks the request as complete
        head = Head(pending.method.encode("ascii"), up.path.encode("ascii") + target, pending.request_headers)
        response = await self._connections.send(origin, head, content)
        try:
            yield response
        finally:
            await response.aclose()

    def _forwarded_headers(self, headers: Headers) -> Headers:
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        # uvicorn has already sent `100 Continue` if the client expected it.
        kept = [pair for pair in _end_to_end(headers) if pair[0] not in {b"host", b"expect"}]
        more = [(b"Transfer-Encoding", b"chunked")] if chunked else []
        return [(b"Host", self._upstream.authority), *kept, *more]

    async def _respond(self, response: Response, pending: PendingExchange, writer: ResponseWriter) -> None:
        pending.status, pending.headers = response.status, _end_to_end(response.headers)
        pending.response = Body(kept_of(pending.headers))
        if pending.status > _LAST_STATUS:
            raise ValueError(f"a response with the status {pending.status} cannot be forwarded")
        chunks = aiter(response)
        opinion = None
        if self._opinion is not None and pending.response.limit:
            opinion = await self._respond_judged(chunks, pending, writer)
        else:
            more = [] if self._opinion is None else [(OPINION, NOT_JUDGED.encode("ascii"))]
            await writer.start(pending.status, [*pending.headers, *more])
        async for chunk in chunks:
            pending.response.add(chunk)
            await writer.send(chunk)
        if opinion is None:
            self._record_exchange(pending)
        await writer.end()

    async def _respond_judged(
        self, chunks: AsyncIterator[bytes], pending: PendingExchange, writer: ResponseWriter
    ) -> str | None:
        # A body that is too large to be kept is not judged. This method then returns None, and the caller sends the
        # remaining chunks.
        held, opinion = await _read_held(chunks, pending), None
        if pending.response.whole is not None:
            entry = self._record_exchange(pending)
            judged = self._opinion if entry is not None else None
            opinion = (
                NOT_JUDGED if judged is None or entry is None else await asyncio.to_thread(judged, entry)
            )
        await writer.start(
            pending.status, [*pending.headers, (OPINION, (opinion or NOT_JUDGED).encode("ascii"))]
        )
        for chunk in held:
            await writer.send(chunk)
        return opinion

    def _record_exchange(self, pending: PendingExchange) -> Entry | None:
        pending.ended = clock.now()
        return self._recorder.add(pending)

    def _record_cut(self, pending: PendingExchange, problem: str) -> None:
        if pending.ended:
            return  # it was complete and is already recorded
        # An incomplete response must not be judged, so it is left out.
        pending.status, pending.headers, pending.problem = 0, [], problem
        self._record_exchange(pending)

    async def _fail(self, error: Exception, pending: PendingExchange, writer: ResponseWriter) -> None:
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        if isinstance(error, LocalProtocolError) and not pending.status:
            await writer.refuse(400, f"this request cannot be forwarded: {what}")
            return
        before = "the response broke off" if pending.status else "the server did not respond"
        if isinstance(error, (ConnectError, ConnectTimeout)) and (note := unused_proxy(self._upstream)):
            what = f"{what}; {note}"
        self._record_cut(pending, f"{before} ({what})")
        if not writer.started:
            await writer.refuse(504 if isinstance(error, TimeoutException) else 502, f"{before} ({what})")


def unused_proxy(upstream: Upstream) -> str:
    """Return a note that an environment variable such as `HTTPS_PROXY` has no effect.

    The reason is that `evolink-check proxy` connects directly to the upstream server. The note is empty if no
    environment variable names a proxy for the upstream server.
    """
    proxy = proxy_for(upstream.scheme, upstream.host)
    return f"{proxy} is not used, because `evolink-check proxy` connects directly" if proxy else ""


async def _read_held(chunks: AsyncIterator[bytes], pending: PendingExchange) -> list[bytes]:
    held = []
    async for chunk in chunks:
        pending.response.add(chunk)
        held.append(chunk)
        # The body is too large to be kept.
        if pending.response.whole is None:
            break
    return held


def _tls_context(ca: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca) if ca else default_ssl_context()


def _end_to_end(headers: Headers) -> Headers:
    # RFC 9110, 7.6.1
    named = b",".join(value.lower() for name, value in headers if name.lower() == b"connection")
    dropped = _HOP_BY_HOP | {name.strip() for name in named.split(b",")}
    return [(name, value) for name, value in headers if name.lower() not in dropped]
