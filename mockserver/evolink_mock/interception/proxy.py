"""A forward proxy for clients that respect `HTTPS_PROXY`.

Requests for the API's hosts go to the mock. All other requests are forwarded to their hosts. The proxy accepts CONNECT,
and HTTP requests in absolute form. A connection carries one request. Bodies are forwarded unread.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.domain.parsed_url import DEFAULT_PORTS, ParsedUrl
from evolink_mock.http.urls import parse_url

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection
    from pathlib import Path

_log = logging.getLogger("evolink_mock.proxy")
_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
_HEAD_SECONDS = 30  # time for a client to send the head of its request
_CONNECT_SECONDS = 20
_CLOSE_SECONDS = 0.1  # time for the last responses to pass through tunnels when the server stops
_LINGER_SECONDS = 2  # time for a client to finish sending and to read an early response
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[01]")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
_HOP_BY_HOP = {"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"}


class Address(NamedTuple):
    """An address to which the proxy connects."""

    host: str
    port: int


class ProxyConnection(NamedTuple):
    """A connection to the proxy that led to no request to the mock."""

    host: str  # without the path of the URL, which may be secret
    port: int
    outcome: str  # such as `refused` or `not reached`


UNTRUSTED = "did not trust the certificate"  # the outcome if the client ended the TLS handshake


class ProxyRequest(NamedTuple):
    """A request to the proxy."""

    url: ParsedUrl
    head: bytes  # the rewritten head to forward; empty for CONNECT


class ProxyRefusalError(Exception):
    """The proxy rejects a request.

    The response has the status `status`, and the message as a plain-text body.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def parse_request(head: bytes) -> ProxyRequest:
    """Parse the head of a request, up to its empty line. Raises `ProxyRefusalError` if the head is invalid."""
    line, *headers = head[:-4].decode("latin-1").split("\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None or not all(map(_HEADER.match, headers)):
        raise ProxyRefusalError(400, "evolink-mock: this is not an HTTP/1.1 request")
    method, target = match.groups()
    if target.startswith("/") or target == "*":
        raise ProxyRefusalError(
            400, "evolink-mock: this port is a proxy, for HTTPS_PROXY; the API is on another port"
        )
    try:
        url = parse_url(f"https://{target}" if method == "CONNECT" else target)
    except ValueError as error:
        raise ProxyRefusalError(400, f"evolink-mock: the requested address {error}") from error
    if method == "CONNECT":
        return ProxyRequest(url, b"")
    return ProxyRequest(url, _forwarded_head(method, url, headers))


def _forwarded_head(method: str, url: ParsedUrl, headers: list[str]) -> bytes:
    kept = [header for header in headers if header.partition(":")[0].lower() not in _HOP_BY_HOP]
    lines = [
        f"{method} {url.request_target.decode('ascii')} HTTP/1.1",
        f"Host: {url.authority()}",
        *kept,
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True, slots=True)
class InterceptedHosts:
    """The hosts that the proxy intercepts, and the addresses of the mock."""

    hosts: Collection[str]  # host names; the port of a request does not matter
    http: Address
    https: Address
    certificate: Path  # of the authority that issued the certificate of the https listener
    offline: bool = False  # whether requests to all other hosts are rejected


class Proxy:
    """A proxy in front of one mock.

    The proxy calls `observe` for each valid request that does not reach the mock.
    """

    def __init__(
        self,
        routes: InterceptedHosts,
        observe: Callable[[ProxyConnection], None] = lambda _: None,
        limit: int = 1000,
    ) -> None:
        self._routes = routes
        self._limit = limit  # maximum number of connections
        self._is_overload_logged = False
        self._observe = observe
        self._tls: ssl.SSLContext | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.was_reached = False  # whether a client has connected

    async def start(self, listener: socket.socket) -> None:
        """Begin to accept connections."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_HEAD_BYTES)

    def stop_accepting(self) -> None:
        """Stop listening, but do not close existing connections."""
        self._server.close()

    async def close(self) -> None:
        """Stop listening, and close existing connections."""
        # A tunnel could stay open for ever.
        self.stop_accepting()
        if self._connections:  # first forward what this server has just sent
            await asyncio.wait(self._connections, timeout=_CLOSE_SECONDS)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (asyncio creates a task for each connection)
        self._connections.add(task)
        self.was_reached = True
        try:
            if len(self._connections) > self._limit:
                await _refuse(reader, writer, self._overload())
            else:
                await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the client has closed the connection, or `close` has cancelled it
        finally:
            self._connections.discard(task)
            writer.close()

    def _overload(self) -> ProxyRefusalError:
        if not self._is_overload_logged:
            _log.warning("more than %d connections to the proxy: others are refused", self._limit)
        self._is_overload_logged = True
        return ProxyRefusalError(503, f"evolink-mock: this proxy accepts at most {self._limit} connections")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = parse_request(await _read_head(reader))
            upstream_reader, upstream_writer = await self._connect(request)
        except ProxyRefusalError as refusal:
            await _refuse(reader, writer, refusal)
            return
        if request.head:
            upstream_writer.write(request.head)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await _join(reader, writer, upstream_reader, upstream_writer, tunnel=not request.head)
        finally:
            upstream_writer.close()

    async def _connect(self, request: ProxyRequest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url, tunnel, routes = request.url, not request.head, self._routes
        address = Address(url.host, url.port)
        if url.host in routes.hosts:
            plain = url.port == DEFAULT_PORTS["http"] if tunnel else url.scheme == "http"
            address = routes.http if plain else routes.https
        elif routes.offline:
            self._observe(ProxyConnection(*address, "refused"))
            raise ProxyRefusalError(403, f"evolink-mock is offline: requests to {url.host} are refused")
        secure = not tunnel and url.scheme == "https"  # some clients do not use a tunnel for https
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                streams = await asyncio.open_connection(
                    *address,
                    ssl=self._client_context() if secure else None,
                    server_hostname=url.host if secure else None,
                )
        except OSError as error:
            raise self._unreachable(url, error) from error
        if url.host not in routes.hosts:
            self._observe(ProxyConnection(*address, "passed on"))
        return streams

    def _unreachable(self, url: ParsedUrl, error: OSError) -> ProxyRefusalError:
        self._observe(ProxyConnection(url.host, url.port, "not reached"))
        status = 504 if isinstance(error, TimeoutError) else 502
        reason = error.strerror or type(error).__name__
        return ProxyRefusalError(
            status, f"evolink-mock: {url.host} port {url.port} cannot be reached: {reason}"
        )

    def _client_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.load_verify_locations(self._routes.certificate)
        return self._tls


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except TimeoutError as error:
        raise ProxyRefusalError(408, "evolink-mock: no request arrived") from error
    except asyncio.LimitOverrunError as error:
        raise ProxyRefusalError(431, f"evolink-mock: the head is larger than {_HEAD_BYTES} bytes") from error
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise ConnectionResetError from error  # the client closed without a request
        raise ProxyRefusalError(400, "evolink-mock: this is not an HTTP/1.1 request") from error


async def _refuse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: ProxyRefusalError
) -> None:
    text = str(refusal).encode("ascii", "replace")
    # The reason is also in the status line: after a CONNECT, clients do not show the body.
    head = f"HTTP/1.1 {refusal.status} ".encode("ascii") + text
    head += b"\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
        len(text) + 1
    )
    writer.write(head + text + b"\n")
    await writer.drain()
    if not writer.is_closing():
        writer.write_eof()
        await _linger(reader)


async def _linger(reader: asyncio.StreamReader) -> None:
    # Closing with unread data could lose the response.
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while await reader.read(_CHUNK):
                pass


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
    *,
    tunnel: bool,
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_forward(reader, upstream_writer))
            # A tunnel lasts until both sides have ended their streams.
            await _forward(upstream_reader, writer)
            if not tunnel and not sending.done():
                sending.cancel()
                await asyncio.wait((sending,))
                upstream_writer.close()
                await _linger(reader)
    except* OSError:
        pass  # one side has closed the connection


async def _forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        if sink.is_closing():  # uvloop would raise a RuntimeError
            raise ConnectionResetError
        sink.write(chunk)
        # A slow sink slows down the source.
        await sink.drain()
    if not sink.is_closing() and sink.can_write_eof():
        sink.write_eof()
