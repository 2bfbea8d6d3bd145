"""Over a socket: a connection that is closed without an answer, or in the middle of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import uvicorn
import uvloop
from evolink_mock.http.connection import TRANSPORT, ConnectionDroppedError, close_connection
from evolink_mock.http.protocol import Protocol
from evolink_mock.server.app import create_app
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from support.in_process import SPEC

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

HEAD = b"GET /v1/credits HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer key\r\n%b\r\n"


Loop = Callable[[], asyncio.AbstractEventLoop] | None
LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


async def say(port: int, recipe: bytes) -> bytes:
    """All that comes back before the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD % (b"prefer: mock=%b\r\n" % recipe))
    try:
        return await reader.read()
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


def over_a_socket(scene: Callable[[int], Coroutine[Any, Any, None]], loop: Loop = None) -> None:
    async def play() -> None:
        app = create_app(Service(SPEC, Settings()))
        config = uvicorn.Config(
            app, "127.0.0.1", 0, http=Protocol, ws="none", log_config=None, timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            async with asyncio.timeout(10):
                await scene(server.servers[0].sockets[0].getsockname()[1])
        finally:
            await server.shutdown()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


@LOOPS
def test_a_dropped_answer_closes_the_connection_with_nothing(
    caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    async def scene(port: int) -> None:
        assert await say(port, b"drop") in {b"", b"reset"}

    over_a_socket(scene, loop)
    assert caplog.records == []


@LOOPS
def test_a_cut_answer_ends_in_the_middle(caplog: pytest.LogCaptureFixture, loop: Loop) -> None:
    async def scene(port: int) -> None:
        head, _, body = (await say(port, b"cut")).partition(b"\r\n\r\n")
        announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        assert head.startswith(b"HTTP/1.1 200 ")
        assert len(body) == announced // 2 > 0

    over_a_socket(scene, loop)
    assert caplog.records == []


def test_the_server_goes_on_after_that() -> None:
    async def scene(port: int) -> None:
        for recipe in (b"drop", b"cut", b"drop"):
            await say(port, recipe)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD % b"connection: close\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()

    over_a_socket(scene)


def test_a_gateway_page_and_a_wrong_type_are_whole_answers() -> None:
    async def scene(port: int) -> None:
        for recipe, sign in ((b"503", b"text/html"), (b"type=text/plain", b"text/plain")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD % (b"connection: close\r\nprefer: mock=%b\r\n" % recipe))
            assert b"content-type: " + sign in (await reader.read()).lower()
            writer.close()

    over_a_socket(scene)


@pytest.mark.parametrize(("sent", "called"), [(True, "close"), (False, "abort")])
def test_what_was_sent_still_arrives_when_the_connection_is_closed(*, sent: bool, called: str) -> None:
    calls: list[str] = []
    transport = SimpleNamespace(close=lambda: calls.append("close"), abort=lambda: calls.append("abort"))

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    asyncio.run(close_connection(ConnectionDroppedError(sent=sent), {TRANSPORT: transport}, gone))
    assert calls == [called]
    with pytest.raises(ConnectionDroppedError):
        asyncio.run(close_connection(ConnectionDroppedError(sent=sent), {}, gone))
