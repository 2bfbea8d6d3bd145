"""The mock on a real socket, within the event loop of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
import uvloop
from evolink_mock.server.app import create_app
from evolink_mock.server.connections import ConnectionLimits
from evolink_mock.server.fast_lane import fast_lane
from evolink_mock.server.fast_protocol import protocol_with
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings

from support.mocks.in_process import SPEC

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange

Loop = Callable[[], asyncio.AbstractEventLoop] | None
LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def over_a_socket(
    scene: Callable[[int], Awaitable[None]],
    loop: Loop = None,
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008  (frozen)
    observe: Callable[[Exchange], None] = lambda _: None,
    **settings: Any,
) -> None:
    """Run a scene with the port of a mock; it fails when a task is left afterwards."""

    async def play() -> None:
        service = Service(SPEC, Settings(**settings))
        app = create_app(service, observe)
        config = uvicorn.Config(
            app,
            "127.0.0.1",
            0,
            http=protocol_with(limits, fast_lane(app, service)),
            ws="none",
            log_config=None,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            async with asyncio.timeout(20):
                await scene(server.servers[0].sockets[0].getsockname()[1])
                if server.server_state.tasks:
                    await asyncio.wait(server.server_state.tasks)
        finally:
            await server.shutdown()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


async def send(port: int, *parts: bytes, end: bool = False) -> bytes:
    """All that comes back for these bytes, sent one part after the other, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if end:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
