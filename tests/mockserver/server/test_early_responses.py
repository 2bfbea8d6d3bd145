"""A request that is refused before its body has arrived: the client sees the response, not a reset."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

import pytest
from evolink_mock.server.connections import ConnectionLimits
from support.mocks.in_process import CREATE
from support.mocks.sockets import LOOPS, Loop, over_a_socket

if TYPE_CHECKING:
    from collections.abc import Callable

SENT = bytes(4 * 1024 * 1024)
KEY = {"Authorization": "Bearer key", "Content-Type": "application/json"}
REFUSALS = {
    "no key": (CREATE, {}, 401),
    "no path": ("/v1/nothing", KEY, 404),
    "too large": (CREATE, KEY, 400),
}
CASES = pytest.mark.parametrize(("path", "headers", "status"), REFUSALS.values(), ids=REFUSALS)


def by_urllib(port: int, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", SENT, headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as problem:
        opener.open(request, timeout=20)
    with problem.value as answer:
        return answer.code, answer.read()


def by_http_client(port: int, path: str, headers: dict[str, str], *, close: bool) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(2):  # a connection that is kept alive can be used again
        connection.request("POST", path, SENT, headers | ({"Connection": "close"} if close else {}))
        answer = connection.getresponse()
        seen = answer.status, answer.read()
    connection.close()
    return seen


CLIENTS: dict[str, Callable[[int, str, dict[str, str]], tuple[int, bytes]]] = {
    "urllib": by_urllib,
    "http.client, closing": partial(by_http_client, close=True),
    "http.client, kept alive": partial(by_http_client, close=False),
}


@LOOPS
@CASES
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_still_sends_four_megabytes_sees_why(
    loop: Loop, client: str, path: str, headers: dict[str, str], status: int
) -> None:
    async def scene(port: int) -> None:
        for _ in range(3):
            seen, body = await asyncio.to_thread(CLIENTS[client], port, path, headers)
            assert (seen, body[:9]) == (status, b'{"error":')

    over_a_socket(scene, loop, max_body=1000)


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(SENT[:65536])
        await writer.drain()
        await asyncio.sleep(0)


@LOOPS
def test_what_is_read_and_dropped_has_a_limit(loop: Loop) -> None:
    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(SENT))
        assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)
        writer.close()

    over_a_socket(scene, loop, ConnectionLimits(linger_bytes=200_000))


@LOOPS
@pytest.mark.parametrize("connection", [b"close", b"keep-alive"])
def test_a_client_that_does_not_finish_is_not_waited_for_long(loop: Loop, connection: bytes) -> None:
    async def scene(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /x HTTP/1.1\r\nhost: x\r\nconnection: %b\r\ncontent-length: 9\r\n\r\na" % connection
        )
        try:
            assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
        except ConnectionResetError:
            assert connection == b"keep-alive"
        writer.close()

    over_a_socket(scene, loop, ConnectionLimits(linger_seconds=0.05))
