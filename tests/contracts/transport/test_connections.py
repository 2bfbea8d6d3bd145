"""Which connections are used again, and how problems are named."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpcore2
import pytest
from evolink_check.transport.connections import Connections, Head, Limits, Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Kept-Case: 1\r\n\r\nbody"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody"
HEAD = Head(b"GET", b"/", [(b"Host", b"example.com")])
LIMITS = Limits(5.0, 5.0, 60.0)


class Server:
    """Answers every request with the same bytes, and counts its connections. `closes`: after each response."""

    def __init__(self, answer: bytes, *, closes: bool) -> None:
        self.answer, self.closes = answer, closes
        self.connections = 0
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answer)
                if self.closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.closed.set()


@asynccontextmanager
async def served(
    answer: bytes = OK, *, closes: bool = False, limits: Limits = LIMITS
) -> AsyncIterator[tuple[Server, Connections, Origin]]:
    server = Server(answer, closes=closes)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    connections = Connections(limits, ssl.create_default_context)
    try:
        yield server, connections, Origin("127.0.0.1", listening.sockets[0].getsockname()[1])
    finally:
        await connections.aclose()
        listening.close()
        await listening.wait_closed()


async def read(connections: Connections, origin: Origin, head: Head = HEAD) -> bytes:
    response = await connections.send(origin, head)
    try:
        return b"".join([chunk async for chunk in response])
    finally:
        await response.aclose()


def test_a_connection_is_used_again_after_a_complete_response() -> None:
    async def run() -> None:
        async with served() as (server, connections, origin):
            assert [await read(connections, origin) for _ in range(3)] == [b"body"] * 3
            assert server.connections == 1

    asyncio.run(run())


def test_a_connection_is_not_used_again_when_the_response_was_not_read() -> None:
    async def run() -> None:
        async with served() as (server, connections, origin):
            response = await connections.send(origin, HEAD)
            assert (response.status, response.headers[1]) == (200, (b"X-Kept-Case", b"1"))
            await response.aclose()
            assert await read(connections, origin) == b"body"
            assert server.connections == 2

    asyncio.run(run())


@pytest.mark.parametrize("answer", [OK, LAST])
def test_a_connection_that_the_server_closed_is_not_used_again(answer: bytes) -> None:
    async def run() -> None:
        async with served(answer, closes=True) as (server, connections, origin):
            assert await read(connections, origin) == b"body"
            await server.closed.wait()
            assert await read(connections, origin) == b"body"
            assert server.connections == 2

    asyncio.run(run())


def test_a_connection_that_was_unused_for_too_long_is_not_used_again() -> None:
    async def run() -> None:
        async with served(limits=LIMITS._replace(idle=0.0)) as (server, connections, origin):
            assert [await read(connections, origin) for _ in range(2)] == [b"body"] * 2
            assert server.connections == 2

    asyncio.run(run())


def test_problems_are_named() -> None:
    async def run() -> None:
        async with served(b"", closes=True) as (_, connections, origin):
            with pytest.raises(httpcore2.RemoteProtocolError, match="without sending a response"):
                await read(connections, origin)
            with pytest.raises(httpcore2.LocalProtocolError):
                await read(connections, origin, HEAD._replace(headers=[(b"Host", b"a"), (b"bad name", b"1")]))
        async with served(b"no HTTP\r\n\r\n") as (_, connections, origin):
            with pytest.raises(httpcore2.RemoteProtocolError):
                await read(connections, origin)
        with pytest.raises(httpcore2.ConnectError):
            await read(connections, origin)  # nothing listens there any more
        async with served(b"HTTP", limits=LIMITS._replace(read=0.01)) as (_, connections, origin):
            with pytest.raises(httpcore2.ReadTimeout):
                await read(connections, origin)

    asyncio.run(run())
