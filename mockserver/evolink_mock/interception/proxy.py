"""A forward proxy that answers the API's hosts itself and passes the rest on: HTTP absolute-form and CONNECT.

For clients that have the API's address hard-coded but honour `HTTPS_PROXY`. One request a connection: what
follows the head is not looked at, only passed on, so a body may be of any size and kind.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.http.urls import DEFAULT_PORTS, CallbackTarget, parse_target

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection
    from pathlib import Path

_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024
_HEAD_SECONDS = 30  # for a client to say what it wants
_CONNECT_SECONDS = 20
_LINGER_SECONDS = 2  # for a refused client to stop talking and read why
_REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[01]")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
_BETWEEN_US = {"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"}


class Address(NamedTuple):
    """Where a listener of this server can be connected to."""

    host: str
    port: int


class Passage(NamedTuple):
    """What the proxy did for a host that is not its own. Neither path nor headers: they carry secrets."""

    host: str
    port: int
    outcome: str


class ProxyRequest(NamedTuple):
    """What a client wants: a tunnel (`head` empty), or that this head is passed on, and what follows it."""

    target: CallbackTarget
    head: bytes


class ProxyRefusal(Exception):  # noqa: N818  (an answer, not a failure)
    """An answer of the proxy's own, in plain text."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def understand(head: bytes) -> ProxyRequest:
    """Read the head of a request, up to and with its empty line. Raises `ProxyRefusal`."""
    line, *headers = head[:-4].decode("latin-1").split("\r\n")
    found = _REQUEST.fullmatch(line)
    if found is None or not all(map(_HEADER.match, headers)):
        raise ProxyRefusal(400, "evolink-mock: this is no HTTP/1.1 request")
    method, url = found.groups()
    if url.startswith("/") or url == "*":
        raise ProxyRefusal(
            400, "evolink-mock: this port is a proxy, for HTTPS_PROXY; the API is at the other port"
        )
    try:
        wanted = parse_target(f"https://{url}" if method == "CONNECT" else url)
    except ValueError as error:
        raise ProxyRefusal(400, f"evolink-mock: the address asked for {error}") from error
    if method == "CONNECT":
        return ProxyRequest(wanted, b"")
    return ProxyRequest(wanted, _passed_on(method, wanted, headers))


def _passed_on(method: str, wanted: CallbackTarget, headers: list[str]) -> bytes:
    """The head as the server is to see it: for one request, and without what is between client and proxy."""
    kept = [header for header in headers if header.partition(":")[0].lower() not in _BETWEEN_US]
    lines = [
        f"{method} {wanted.request_target.decode('ascii')} HTTP/1.1",
        f"Host: {wanted.authority()}",
        *kept,
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Routes:
    """What the proxy knows: the host names that this server plays, at whatever port, and where it listens.

    `certificate` is what vouches for the https listener; `offline` refuses all other hosts.
    """

    own: Collection[str]
    http: Address
    https: Address
    certificate: Path
    offline: bool = False


class Proxy:
    """A proxy in front of one server. `observe` hears of every host that is not its own."""

    def __init__(self, routes: Routes, observe: Callable[[Passage], None] = lambda _: None) -> None:
        self._routes = routes
        self._observe = observe
        self._trust: ssl.SSLContext | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_HEAD_BYTES)

    async def close(self) -> None:
        """Accept nothing more and cut what is open: who still talks through a tunnel cannot be waited for."""
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None  # noqa: S101  (asyncio makes a task of each connection)
        self._talks.add(talk)
        try:
            await self._talk(reader, writer)
        except OSError:
            pass  # the client is gone
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ask = understand(await _head(reader))
            theirs, to_them = await self._connect(ask)
        except ProxyRefusal as refusal:
            await _refuse(reader, writer, refusal)
            return
        if ask.head:
            to_them.write(ask.head)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await _join(reader, writer, theirs, to_them, tunnel=not ask.head)
        finally:
            to_them.close()

    async def _connect(self, ask: ProxyRequest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to where this goes. Inside of a tunnel the client speaks TLS itself."""
        wanted, tunnel, routes = ask.target, not ask.head, self._routes
        address = Address(wanted.host, wanted.port)
        if wanted.host in routes.own:
            plain = wanted.port == DEFAULT_PORTS["http"] if tunnel else wanted.scheme == "http"
            address = routes.http if plain else routes.https
        elif routes.offline:
            self._observe(Passage(*address, "refused"))
            raise ProxyRefusal(403, f"evolink-mock is offline: {wanted.host} is not answered here")
        secure = not tunnel and wanted.scheme == "https"  # asked for by some clients, in place of a tunnel
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                streams = await asyncio.open_connection(
                    *address,
                    ssl=self._context() if secure else None,
                    server_hostname=wanted.host if secure else None,
                )
        except OSError as error:
            raise self._unreachable(wanted, error) from error
        if wanted.host not in routes.own:
            self._observe(Passage(*address, "passed on"))
        return streams

    def _unreachable(self, wanted: CallbackTarget, error: OSError) -> ProxyRefusal:
        self._observe(Passage(wanted.host, wanted.port, "not reached"))
        status = 504 if isinstance(error, TimeoutError) else 502
        why = error.strerror or type(error).__name__
        return ProxyRefusal(
            status, f"evolink-mock: {wanted.host} port {wanted.port} cannot be reached: {why}"
        )

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
            self._trust.load_verify_locations(self._routes.certificate)
        return self._trust


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except TimeoutError as error:
        raise ProxyRefusal(408, "evolink-mock: no request came") from error
    except asyncio.LimitOverrunError as error:
        raise ProxyRefusal(431, f"evolink-mock: the head is larger than {_HEAD_BYTES} bytes") from error
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise ConnectionResetError from error  # a client that thought better of it
        raise ProxyRefusal(400, "evolink-mock: this is no HTTP/1.1 request") from error


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: ProxyRefusal) -> None:
    """Say no: in the status line too, the only part of an answer to CONNECT that clients show.

    What the client still sends is read for a while: closing before would take the answer from it.
    """
    text = str(refusal).encode("ascii", "replace")
    head = f"HTTP/1.1 {refusal.status} ".encode("ascii") + text
    head += b"\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
        len(text) + 1
    )
    writer.write(head + text + b"\n")
    await writer.drain()
    if writer.is_closing():
        return
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while await reader.read(_CHUNK):
                pass


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    theirs: asyncio.StreamReader,
    to_them: asyncio.StreamWriter,
    *,
    tunnel: bool,
) -> None:
    """Pass bytes both ways. A tunnel ends when both sides have; a single request with its answer."""
    try:
        async with asyncio.TaskGroup() as both:
            sending = both.create_task(_pour(reader, to_them))
            await _pour(theirs, writer)
            if not tunnel:
                sending.cancel()
    except* OSError:
        pass  # either side is gone, and so is what the other would have heard


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes, as fast as it is taken, and then the end of it."""
    while chunk := await source.read(_CHUNK):
        if sink.is_closing():  # uvloop would raise a RuntimeError
            raise ConnectionResetError
        sink.write(chunk)
        await sink.drain()
    if not sink.is_closing() and sink.can_write_eof():
        sink.write_eof()
