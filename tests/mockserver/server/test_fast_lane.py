"""The fast lane answers as uvicorn's way does: the same bytes, journal, accounts, tasks and log lines."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.recipes.assignments import assign
from evolink_mock.server.app import create_app
from evolink_mock.server.fast_lane import FastLane, fast_lane
from evolink_mock.server.fast_protocol import FastProtocol
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from support.mocks.in_process import CREATE, SPEC
from support.mocks.lanes import QUERY, Server, create, head, request
from support.mocks.redis_server import needs_server
from support.mocks.stores import place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CREATES: list[dict[str, Any]] = [
    {}, {"duration": 10}, {"duration": 7}, {"duration": "x", "mode": 3}, {"model": "gpt"}, {"model": 3}, {"extra": 1},
    {"image_urls": []}, {"image_urls": "x"}, {"prompt": "é \u4e16"}, {"prompt": "a [[fail]] b"},
    {"prompt": "a [[429]] b"}, {"prompt": "[[unknown]]"}, {"callback_url": "http://10.0.0.1/"},
    {"callback_url": "https://10.0.0.1/x"}, {"callback_url": 3}, {"promt": "x"}, {"prompt": "x" * 5000},
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"3", b'"x"', b"[[1]]", b'{"model":"\xff"}', b"{}", b'{"\\u0063allback_url":"http://10.0.0.1"}',
    b'{"prompt":"\\u005b\\u005bfail]]"}', b"NaN", b'{"prompt":NaN}',
]  # fmt: skip
HEADERS: list[dict[str, str]] = [
    *[{}] * 12, {"prefer": "mock=429"}, {"prefer": "code=402"}, {"content_type": "text/plain"},
    {"content_encoding": "gzip"}, {"Connection": "keep-alive"}, {"Connection": "close"}, {"Expect": "100-continue"},
    {"Origin": "http://localhost:3000"}, {"Connection": "Upgrade", "Upgrade": "h2c"}, {"x_api_key": "secret-key"},
    {"Authorization": "Basic eDp5"},
]  # fmt: skip
TOKENS = ["key", "key", "key", "key", "other-key", None, "", "key~fail", "key~what", "sk-\xe9"]


def traffic(generator: random.Random, ids: list[str]) -> Iterator[list[bytes]]:
    """Requests, some pipelined, some in several parts; each list is for one connection."""
    pick = generator.choice
    for _ in range(400):
        requests = b""
        for _ in range(pick((1, 1, 1, 2, 5))):
            token, headers = pick(TOKENS), pick(HEADERS)
            changes = pick(CREATES)
            kind = pick(("create", "create", "body", "query", "query", "credits", "other"))
            if kind == "create":
                requests += create(changes, token=token, **headers)
            elif kind == "body":
                requests += request("POST", CREATE, pick(BODIES), token=token, **headers)
            elif kind == "query":
                task_id = pick([*ids[-20:], "task-unified-1757169743-00000000", "task-other", "x%20y"])
                requests += request("GET", QUERY + task_id, token=token, **headers)
            elif kind == "credits":
                requests += request(pick(("GET", "GET", "HEAD", "DELETE")), token=token, **headers)
            else:
                requests += request("GET", pick(("/", "/v1/credits?x=1", "/v1/credits/", QUERY)), token=token)
        cuts = sorted(generator.sample(range(1, len(requests)), pick((0, 0, 0, 1, 3))))
        yield [requests[a:b] for a, b in zip([0, *cuts], [*cuts, len(requests)], strict=True)]


LIMITED = {"tokens": frozenset({"key"}), "credits": 30.0, "max_body": 300}


@pytest.mark.parametrize(
    ("settings", "store"),
    [({}, "memory"), (LIMITED, "memory"), ({}, "sqlite"), pytest.param(LIMITED, "redis", marks=needs_server)],
    ids=["any", "limited", "sqlite", "redis"],
)
def test_the_lane_and_the_ordinary_way_cannot_be_told_apart(
    settings: dict[str, Any], store: str, tmp_path: Path
) -> None:
    async def play() -> None:
        fast, plain = (
            Server(is_fast=is_fast, settings={**settings, "store": place(store, tmp_path, str(is_fast))})
            for is_fast in (True, False)
        )
        generator, ids = random.Random(1), ["task-unified-1757169743-11111111"]
        for number, parts in enumerate(traffic(generator, ids)):
            answers, _ = await fast.exchange(*parts)
            expected, _ = await plain.exchange(*parts)
            assert answers == expected, parts
            ids += [text[:32].decode() for text in answers.split(b'"id":"')[1:]]
            if number % 50 == 0:
                for server in (fast, plain):
                    server.clock.advance(2)
        for (name, kept), expected_kept in zip(
            fast.remembered().items(), plain.remembered().values(), strict=True
        ):
            assert kept == expected_kept, name
        assert fast.lanes > 60
        assert plain.lanes == 0

    asyncio.run(play())


async def took_lane(request_bytes: bytes, **settings: Any) -> bool:
    server = Server(is_fast=True, settings=settings)
    answer, _ = await server.exchange(request_bytes)
    assert answer.startswith(b"HTTP/1.1 ")
    return server.lanes == 1


@pytest.mark.parametrize(
    "data",
    [
        create(), create({"duration": 7}), create(token=None), create({"model": "gpt"}), request(), request(token=None),
        request(path=f"{QUERY}task-unified-1757169743-00000000"), request(path=f"{QUERY}x"),
        create(Connection="keep-alive"), request("POST", CREATE, b"{"),
    ],
)  # fmt: skip
def test_a_whole_small_request_takes_the_lane(data: bytes) -> None:
    assert asyncio.run(took_lane(data))


@pytest.mark.parametrize(
    "data",
    [
        create({"callback_url": "https://example.com"}), create({"prompt": "[[fail]]"}), create(token="key~fail"),
        create(prefer="mock=429"), create(Expect="100-continue"), request(Upgrade="h2c", Connection="Upgrade"),
        request(Connection="close"), request(origin="http://localhost"), request(path="/v1/credits?a=1"),
        request("HEAD"), request(path="/"), request("POST", CREATE, b'{"\\u0063allback_url":"http://10.0.0.1"}'),
        head("POST", CREATE, [("Transfer-Encoding", "chunked")], b"0\r\n\r\n"),
        head("GET", "/v1/credits", [("Content-Length", "1")], b"x"),
    ],
)  # fmt: skip
def test_anything_else_goes_the_ordinary_way(data: bytes) -> None:
    assert not asyncio.run(took_lane(data))


def test_an_account_with_an_assigned_recipe_goes_the_ordinary_way() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        account = await server.service.store.account("key")
        assert assign(account, server.service.registry, "429", times=1, operation="any") is None
        query = request(path=f"{QUERY}task-unified-1757169743-00000000")
        statuses = [(await server.exchange(query))[0][9:12] for _ in range(2)]
        assert (statuses, server.lanes) == ([b"429", b"404"], 1)

    asyncio.run(play())


def test_requests_take_the_lane_with_a_store_in_a_file_too(tmp_path: Path) -> None:
    async def play() -> None:
        server = Server(is_fast=True, settings={"store": f"sqlite:{tmp_path / 'store'}"})
        recipe = create({"prompt": "a [[fail]] b"})
        for data, lanes in ((create(), 1), (recipe, 1), (create({"duration": 7}), 2), (request(), 3)):
            answer, _ = await server.exchange(data)
            assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))
            assert server.lanes == lanes
        assert len(await server.service.store.tasks("key")) == 2
        server.service.store.close()

    asyncio.run(play())


def test_the_lane_can_be_switched_off() -> None:
    service = Service(SPEC, Settings(no_fast_lane=True))
    assert fast_lane(create_app(service), service) is None


def test_a_recipe_for_every_request_leaves_no_lane() -> None:
    service = Service(SPEC, Settings(recipe="ok"))
    assert fast_lane(create_app(service), service) is None


def test_pipelined_requests_of_the_lane_are_answered_in_order_by_one_write() -> None:
    async def play() -> None:
        requests = b"".join(request(path=f"{QUERY}task-unified-1757169743-0000000{n}") for n in range(9))
        answers, writes = await (server := Server(is_fast=True)).exchange(requests)
        assert answers.count(b"HTTP/1.1 404 ") == 9
        assert writes == 1
        assert [line.split("  ")[2][-1] for line in server.lines] == [*"012345678"]

    asyncio.run(play())


def test_requests_of_one_turn_are_recorded_after_their_responses_in_their_order() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        connections = [server.connect() for _ in range(3)]
        for number, (protocol, _) in enumerate(connections):
            protocol.data_received(request(path=f"{QUERY}task-unified-1757169743-0000000{number}"))
        assert isinstance(protocol, FastProtocol)
        protocol.responses.write()
        assert all(wire.written for _, wire in connections)
        assert server.lines == []
        await asyncio.sleep(0)
        assert [line.split("  ")[2][-1] for line in server.lines] == [*"012"]
        for protocol, _ in connections:
            protocol.connection_lost(None)

    asyncio.run(play())


def test_exchanges_that_wait_to_be_recorded_are_limited_in_number() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        protocol, _ = server.connect()
        for _ in range(100):
            protocol.data_received(request())
        assert len(server.lines) == 64
        await asyncio.sleep(0)
        assert len(server.lines) == 100
        protocol.connection_lost(None)

    asyncio.run(play())


@pytest.mark.parametrize("is_fast", [True, False])
def test_a_recorded_exchange_does_not_refer_to_its_journal(*, is_fast: bool) -> None:
    async def play() -> None:
        server = Server(is_fast=is_fast)
        await server.exchange(create(), request())
        journal = await server.service.store.journal("key")
        assert [exchange.journal for exchange in journal] == [None, None]

    asyncio.run(play())


def test_a_long_pipeline_is_shared_with_the_ordinary_way() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        answers, writes = await server.exchange(request() * 40)
        assert answers.count(b"HTTP/1.1 200 OK") == 40
        assert writes == 1 + (40 - 16)

    asyncio.run(play())


def test_an_idle_connection_of_the_lane_is_closed_as_any_other() -> None:
    async def play() -> None:
        server = Server(is_fast=True)
        protocol, wire = server.connect()
        protocol.timeout_keep_alive = 0.01  # type: ignore[assignment]
        protocol.data_received(request())
        protocol.data_received(request())
        async with asyncio.timeout(5):
            await wire.ended.wait()
        protocol.connection_lost(None)

    asyncio.run(play())


def test_a_lane_has_a_service() -> None:
    service = Service(SPEC, Settings())
    assert isinstance(fast_lane(create_app(service), service), FastLane)
