"""Send HTTP/1.1 requests over reusable connections without a proxy.

Errors are raised as exceptions of httpcore2.
"""

from __future__ import annotations

import asyncio
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import anyio
import h11
from anyio.abc import SocketAttribute
from httpcore2 import (
    ConnectError,
    ConnectTimeout,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
)

from evolink_check import clock

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import ByteStream

# A request takes a third of the CPU time that it takes through the connection pool of httpcore2.
Headers = list[tuple[bytes, bytes]]
_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
_READ_BYTES = 64 * 1024
_LARGEST_HEAD = 100 * 1024  # bytes
_REST_SECONDS = 2.0  # for the rest of a request that already has a response
_SWITCHED = 101  # Switching Protocols: no other response follows


class Origin(NamedTuple):
    """The host and port of a server. An IPv6 address has no brackets."""

    host: str
    port: int
    tls: bool = False


class Head(NamedTuple):
    """A request line and headers.

    The headers are sent unchanged. If there is a body, the headers must state its length.
    """

    method: bytes
    target: bytes
    headers: Headers


class Limits(NamedTuple):
    """Time limits in seconds."""

    connect: float
    read: float | None  # for each read; None: no limit
    idle: float  # for keeping an unused connection


class Response:
    """A response, whose body has not been read yet.

    Iterate over the response to read its body. Close the response afterwards.
    """

    def __init__(self, head: h11.Response | h11.InformationalResponse, connection: _Connection) -> None:
        self.status = head.status_code
        self.headers: Headers = head.headers.raw_items()
        self.reason = head.reason
        self._connection: _Connection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks of the body as they arrive.

        A content coding, such as gzip, is not decoded.
        """
        assert self._connection is not None  # noqa: S101  (it is not closed)
        async for chunk in self._connection.body():
            yield chunk

    async def aclose(self) -> None:
        """Keep the connection for another request if the response was read to its end.

        Close the connection if a part of the response is unread.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.release()


class Connections:
    """Sends requests over connections that are reused.

    All calls must come from the same event loop. Concurrent requests use different connections. `context` is called to
    make the TLS context.
    """

    def __init__(self, limits: Limits, context: Callable[[], ssl.SSLContext]) -> None:
        self._limits = limits
        self._context = context
        self._idle: dict[Origin, list[_Connection]] = {}

    async def send(self, origin: Origin, head: Head, body: bytes | AsyncIterator[bytes] = b"") -> Response:
        """Send a request, and return its response as soon as the head has arrived.

        Raises an exception of httpcore2 if the connection fails.
        """
        connection = await self._take(origin)
        try:
            return Response(await _exchange(connection, head, body), connection)
        except BaseException:
            await connection.close()
            raise

    async def aclose(self) -> None:
        """Close the unused connections."""
        while self._idle:
            _, connections = self._idle.popitem()
            for connection in connections:
                await connection.close()

    async def _take(self, origin: Origin) -> _Connection:
        connections = self._idle.setdefault(origin, [])
        while connections:
            connection = connections.pop()
            if not connection.is_stale():
                return connection
            await connection.close()
        return _Connection(await self._connect(origin), self._limits, connections)

    async def _connect(self, origin: Origin) -> ByteStream:
        try:
            async with asyncio.timeout(self._limits.connect):
                if not origin.tls:
                    return await anyio.connect_tcp(origin.host, origin.port)
                context = self._context()
                context.set_alpn_protocols(["http/1.1"])
                return await anyio.connect_tcp(
                    origin.host, origin.port, ssl_context=context, tls_standard_compatible=False
                )
        except TimeoutError as error:
            raise ConnectTimeout(str(error)) from error
        except (OSError, *_BROKEN) as error:
            raise ConnectError(str(error)) from error


async def _exchange(
    connection: _Connection, head: Head, body: bytes | AsyncIterator[bytes]
) -> h11.Response | h11.InformationalResponse:
    if isinstance(body, bytes):
        with suppress(WriteError):  # the server may have responded before it closed the connection
            await connection.send(head, body)
        return await connection.head()
    sending = asyncio.create_task(connection.send(head, body))
    receiving = asyncio.create_task(connection.head())
    try:
        await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        # The server has responded before the request is complete.
        if receiving.done():
            await asyncio.wait({sending}, timeout=_REST_SECONDS)
        if sending.done():
            with suppress(WriteError):
                sending.result()
        return await receiving
    finally:
        sending.cancel()
        receiving.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


class _Connection:
    def __init__(self, stream: ByteStream, limits: Limits, unused: list[_Connection]) -> None:
        self._stream = stream
        self._socket: socket.socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610  (not Django's)
        self._limits = limits
        self._unused = unused
        self._kept_until = 0.0
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)

    async def send(self, head: Head, body: bytes | AsyncIterator[bytes]) -> None:
        try:
            data = self._http.send(h11.Request(method=head.method, target=head.target, headers=head.headers))
            if isinstance(body, bytes):
                whole = self._http.send(h11.Data(data=body)) if body else b""
                end = self._http.send(h11.EndOfMessage())
                await self._write(b"".join((data or b"", whole or b"", end or b"")))
                return
            await self._write(data)
            async for chunk in body:
                await self._write(self._http.send(h11.Data(data=chunk)))
            await self._write(self._http.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise LocalProtocolError(str(error)) from error

    async def head(self) -> h11.Response | h11.InformationalResponse:
        while True:
            event = await self._receive()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == _SWITCHED:
                return event

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._receive(), h11.Data):
            yield bytes(event.data)

    async def release(self) -> None:
        if not (self._http.our_state is h11.DONE and self._http.their_state is h11.DONE):
            await self.close()
            return
        self._http.start_next_cycle()
        self._kept_until = clock.stopwatch() + self._limits.idle
        self._unused.append(self)
        while self._unused and self._unused[0].is_expired():
            await self._unused.pop(0).close()

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._stream.aclose()

    def is_expired(self) -> bool:
        return clock.stopwatch() > self._kept_until

    def is_stale(self) -> bool:
        """Return whether an unused connection must not be used again."""
        # The socket becomes readable when the server closes the connection.
        return self.is_expired() or _is_readable(self._socket)

    async def _write(self, data: bytes | None) -> None:
        try:
            if data:
                await self._stream.send(data)
        except _BROKEN as error:
            raise WriteError(str(error)) from error

    async def _receive(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]  # mypy does not narrow it
            data = await self._read()
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(data)

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._limits.read):
                return await self._stream.receive(_READ_BYTES)
        except anyio.EndOfStream:
            return b""
        except TimeoutError as error:
            raise ReadTimeout(str(error)) from error
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ReadError(str(error)) from error


def _is_readable(connected: socket.socket) -> bool:
    if connected.fileno() < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([connected], [], [], 0)[0])
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(0))
