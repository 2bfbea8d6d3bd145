"""Responses of the fast lane are written in a row, also if a connection ends in the same turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.mocks.lanes import Server, Wire, request

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_mock.server.protocol import Protocol


def statuses(wires: list[Wire]) -> list[bytes]:
    return [b"".join(wire.written)[9:12] for wire in wires]


def send(server: Server, count: int) -> tuple[list[Protocol], list[Wire]]:
    """Send a request on each of so many connections, in one turn of the event loop."""
    connections = [server.connect() for _ in range(count)]
    for protocol, _ in connections:
        protocol.data_received(request())
    return [protocol for protocol, _ in connections], [wire for _, wire in connections]


def test_responses_are_written_after_all_requests_of_the_turn_are_served() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        _, wires = send(server, 3)
        assert statuses(wires) == [b""] * 3
        await asyncio.sleep(0)
        assert statuses(wires) == [b"200"] * 3

    asyncio.run(play())


def test_a_request_that_the_lane_does_not_serve_gets_its_response_after_the_earlier_ones() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        (protocol,), (wire,) = send(server, 1)
        protocol.data_received(request(path="/v1/unknown"))
        while server.state.tasks:
            await asyncio.wait(server.state.tasks)
        answers = b"".join(wire.written).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"404"]

    asyncio.run(play())


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("ends", ["eof_received", "shutdown"])
def test_a_connection_that_ends_in_the_same_turn_gets_its_response(
    ends: str, store: str, tmp_path: Path
) -> None:
    async def play() -> None:
        place = store if store == "memory" else f"sqlite:{tmp_path / 'mock.db'}"
        server = Server(is_fast=True, settings={"store": place})
        (protocol,), (wire,) = send(server, 1)
        getattr(protocol, ends)()
        assert statuses([wire]) == [b"200"]
        server.service.store.close()

    asyncio.run(play())


def test_a_client_that_has_gone_gets_no_response() -> None:
    async def play() -> None:
        (protocol,), (wire,) = send(Server(is_fast=True), 1)
        wire.close()
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        assert wire.written == []

    asyncio.run(play())
