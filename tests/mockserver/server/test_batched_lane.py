"""Requests that arrive together are served with one call of their store, each as if it were alone."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.store import NO_CHANGE, Change, StoreError
from evolink_mock.stores.redis.store import RedisStore
from evolink_mock.stores.sqlite.store import SqliteStore
from support.mocks.in_process import START
from support.mocks.lanes import QUERY, Server, Wire, create, request
from support.mocks.redis_server import SHARED_STORES, needs_server, new_place
from support.mocks.stores import open_store, place, result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.server.protocol import Protocol

pytestmark = needs_server


class Clients:
    """Connections to one mock. `round_trips` holds the number of commands of each exchange with its store."""

    def __init__(self, **settings: Any) -> None:
        self.place = new_place()
        self.server = Server(is_fast=True, settings={"store": self.place, **settings})
        store = self.server.service.store
        assert isinstance(store, RedisStore)
        self.store = store
        self.round_trips: list[int] = []
        self._send = store.connection.send
        store.connection.send = self._count  # type: ignore[method-assign]

    def _count(self, commands: Sequence[Any]) -> list[Any]:
        self.round_trips.append(len(commands))
        return self._send(commands)

    def send(self, *requests: bytes) -> list[tuple[Protocol, Wire]]:
        """Send each of the requests on a connection of its own, in one turn of the event loop."""
        connections = [self.server.connect() for _ in requests]
        for (protocol, _), data in zip(connections, requests, strict=True):
            protocol.data_received(data)
        return connections

    async def statuses(self, *requests: bytes) -> Counter[int]:
        """The statuses of their responses."""
        connections = self.send(*requests)
        self.round_trips.clear()
        await asyncio.sleep(0)
        while self.server.state.tasks:
            await asyncio.wait(self.server.state.tasks)
        return Counter(int(b"".join(wire.written)[9:12]) for _, wire in connections)


def test_queries_and_creates_that_arrive_together_take_one_round_trip() -> None:
    async def play() -> None:
        clients = Clients()
        await clients.statuses(create())
        queries = [request(path=f"{QUERY}task-unified-1757169743-00000000")] * 5
        assert await clients.statuses(*queries, *[create()] * 7) == {404: 5, 200: 7}
        assert clients.round_trips == [1 + 5 * 2 + 1]
        assert result(clients.store.account("key")).task_count == 8
        clients.store.close()

    asyncio.run(play())


def test_polls_of_unchanged_tasks_take_one_command_for_all_requests_of_a_turn() -> None:
    async def play() -> None:
        clients = Clients()
        await clients.statuses(create())
        polls = [request(path=QUERY + task.id) for task in result(clients.store.tasks("key"))] * 5
        round_trips = []
        for requests in (polls, polls, polls, [*polls, create()], polls, polls, polls):
            assert await clients.statuses(*requests) == {200: len(requests)}
            round_trips.append(clients.round_trips[:])
        read = 1 + 5 * 2
        assert round_trips == [[read], [read], [1], [1, 1], [1, read], [read], [1]]
        clients.store.close()

    asyncio.run(play())


def test_while_other_processes_write_all_the_time_polls_are_read_in_one_round_trip() -> None:
    async def play() -> None:
        clients = Clients()
        twin = open_store(clients.place)
        await clients.statuses(create())
        poll = request(path=QUERY + result(clients.store.tasks("key"))[0].id)
        round_trips = []
        for _ in range(5):
            assert await clients.statuses(poll, poll) == {200: 2}
            round_trips.append(clients.round_trips[:])
            twin.set_fact("number", len(round_trips))
        assert round_trips == [[5]] * 5
        twin.close()
        clients.store.close()

    asyncio.run(play())


@pytest.mark.parametrize("kind", SHARED_STORES)
def test_a_poll_shows_the_task_and_the_clock_as_another_process_has_changed_them(
    kind: str, tmp_path: Path
) -> None:
    async def play() -> None:
        store_place = place(kind, tmp_path)
        server = Server(is_fast=True, settings={"store": store_place, "credits": 100})
        twin = open_store(store_place)
        await server.exchange(create())
        poll = request(path=QUERY + result(twin.tasks("key"))[0].id)

        async def statuses() -> set[str]:
            answers = [(await server.exchange(poll, poll))[0] for _ in range(3)]
            bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in answers]
            return {json.loads(body)["status"] for body in bodies}

        def move(account: Account, _: IsTaken) -> Change:
            account.frozen_at = START + 1000
            return NO_CHANGE

        assert await statuses() == {"pending"}
        result(twin.change("key", move))
        assert await statuses() == {"completed"}
        result(twin.drop("key"))
        assert (await server.exchange(poll))[0][9:12] == b"404"
        twin.close()
        server.service.store.close()

    asyncio.run(play())


def test_credits_for_so_many_tasks_accept_so_many_although_another_process_has_created_some() -> None:
    async def play() -> None:
        clients, others = Clients(credits=50), Clients(credits=50)
        others.server = Server(is_fast=True, settings={"store": clients.place, "credits": 50})
        assert await clients.statuses(create(), create()) == {200: 2}
        assert await others.statuses(create(), create(), create()) == {200: 3}
        assert await clients.statuses(*[create()] * 8) == {200: 5, 402: 3}
        account = result(clients.store.account("key"))
        assert (account.task_count, account.used) == (10, 50)
        assert len(result(clients.store.tasks("key"))) == 10
        clients.store.close()

    asyncio.run(play())


def test_a_request_with_a_recipe_goes_the_ordinary_way_from_the_batch() -> None:
    async def play() -> None:
        clients = Clients()
        requests = (create(), create({"prompt": "a [[429]] b"}), request(), b"GET / HTTP/1.1\r\n\r\n")
        assert await clients.statuses(*requests) == {200: 2, 429: 1, 404: 1}
        clients.store.close()

    asyncio.run(play())


def test_without_the_server_every_request_of_the_batch_gets_503() -> None:
    async def play() -> None:
        clients = Clients()
        await clients.statuses(create())

        def fail(commands: Sequence[Any]) -> list[Any]:  # noqa: ARG001
            raise StoreError("gone")

        clients.store.connection.send = fail  # type: ignore[method-assign]
        assert await clients.statuses(create(), request(), create(token=None)) == {503: 2, 401: 1}

    asyncio.run(play())


def test_one_refused_command_fails_one_request() -> None:
    async def play() -> None:
        clients = Clients()
        await clients.statuses(create())
        clients.store.connection.call("HDEL", clients.store.changes.accounts, "key")
        clients.store.connection.call("SET", clients.store.connection.key("tasks:key"), "no list")
        query = request(path=f"{QUERY}task-unified-1757169743-00000000")
        requests = (create(), create(token="other"), query, query)
        assert await clients.statuses(*requests) == {503: 1, 200: 1, 404: 2}
        clients.store.close()

    asyncio.run(play())


@pytest.mark.parametrize("ends", ["eof_received", "close"])
def test_a_client_that_stops_sending_gets_its_response_and_one_that_has_gone_none(ends: str) -> None:
    async def play() -> None:
        clients = Clients()
        ((protocol, wire),) = clients.send(create())
        if ends == "eof_received":
            protocol.eof_received()
            assert b"".join(wire.written).startswith(b"HTTP/1.1 200 ")
        else:
            wire.close()
            await asyncio.sleep(0)
            assert wire.written == []
            assert result(clients.store.account("key")).task_count == 1
        clients.store.close()

    asyncio.run(play())


def test_a_request_in_two_parts_and_pipelined_ones_are_answered_in_order() -> None:
    async def play() -> None:
        clients = Clients()
        first, second = request(path=f"{QUERY}task-unified-1757169743-00000000"), request()
        answers, _ = await clients.server.exchange(first + second + first[:20], first[20:])
        assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"404", b"200", b"404"]
        clients.store.close()

    asyncio.run(play())


def test_creates_of_a_file_that_arrive_together_are_one_transaction_and_one_that_fails_fails_alone(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        server = Server(is_fast=True, settings={"store": f"sqlite:{tmp_path / 'mock.db'}", "credits": 15})
        store = server.service.store
        assert isinstance(store, SqliteStore)
        statements: list[str] = []
        store.connection._database.set_trace_callback(statements.append)  # noqa: SLF001
        connections = [server.connect() for _ in range(6)]
        recipe = create({"prompt": "a [[429]] b"})
        for (protocol, _), data in zip(connections, [*[create()] * 4, recipe, request()], strict=True):
            protocol.data_received(data)
        await asyncio.sleep(0)
        assert sum(statement.startswith("BEGIN") for statement in statements) == 1
        store.connection._database.set_trace_callback(None)  # noqa: SLF001
        await asyncio.wait(server.state.tasks)
        assert [b"".join(wire.written)[9:12] for _, wire in connections] == [
            *[b"200"] * 3,
            *[b"402", b"429", b"200"],
        ]
        assert (result(store.account("key")).task_count, len(result(store.tasks("key")))) == (3, 3)
        store.close()

    asyncio.run(play())


def test_what_a_batch_writes_is_seen_by_another_process() -> None:
    async def play() -> None:
        clients = Clients()
        twin = open_store(clients.place)
        for store in (twin, clients.store):
            result(store.has_changed())
        assert await clients.statuses(create(), create()) == {200: 2}
        assert (result(twin.has_changed()), result(clients.store.has_changed())) == (True, False)
        assert result(twin.account("key")).task_count == 2
        twin.close()
        clients.store.close()

    asyncio.run(play())
