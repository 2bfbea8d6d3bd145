"""Summarize and check a store.

The commands `evolink-mock store info` and `evolink-mock store check` use this module.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from evolink_mock.stores.records import decode_account, decode_delivery
from evolink_mock.stores.redis.connection import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_mock.stores.redis.connection import Connection
    from evolink_mock.stores.redis.store import RedisStore

_MOST = 20  # maximum number of problems that are listed
_CHUNK = 1000  # records that are read in one round trip


def summary(store: RedisStore) -> dict[str, Any]:
    """Return facts about the store as a dictionary.

    The facts include the numbers of records and workers. `version` is the version of the store's format. `server` is
    the name and version of the Redis server.
    """
    connection, key = store.connection, store.connection.key
    names = connection.call("ZRANGE", key("opened"), 0, -1)
    lengths = {"callbacks": "deliveries", "due": "due", "leased": "attempting", "exchanges": "journal"}
    kinds = {"deliveries": "LLEN", "due": "ZCARD", "attempting": "SCARD", "journal": "LLEN"}
    facts = {
        "version": VERSION,
        "server": connection.server,
        "accounts": len(names),
        "tasks": connection.call("HLEN", key("tasks")),
    }
    for shown, name in lengths.items():
        # The empty token belongs to the journal of the requests without an account.
        commands = [(kinds[name], key(f"{name}:") + token) for token in (*names, b"")]
        facts[shown] = sum(connection.pipeline(commands))
    return facts | {"workers": connection.call("ZCOUNT", key("workers"), store.wall_time(), "+inf")}


def problems(store: RedisStore) -> list[str]:
    """Check the store, and return a line of text for each problem."""
    return [*islice(_problems(store), _MOST)]


def _problems(store: RedisStore) -> Iterator[str]:
    connection, key = store.connection, store.connection.key
    tokens = connection.call("ZRANGE", key("opened"), 0, -1)
    for number, token in enumerate(tokens, 1):
        data = connection.call("HGET", key("accounts"), token)
        try:
            decode_account(data or b"")
        except msgspec.DecodeError as error:
            yield f"account {number} cannot be read: {error}"
        for ids in _chunks(connection, key("tasks:") + token):
            for task_id, data in zip(ids, connection.call("HMGET", key("tasks"), *ids), strict=True):
                yield from _problems_of_task(store, task_id.decode(), data)
        for ids in _chunks(connection, key("deliveries:") + token):
            yield from _problems_of_deliveries(connection, ids)


def _problems_of_task(store: RedisStore, task_id: str, data: bytes | None) -> Iterator[str]:
    if data is None:
        yield f"{task_id} is missing"
        return
    try:
        store.changes.decode_task(task_id, data)
    except (ValueError, msgspec.DecodeError) as error:
        yield f"a task cannot be read: {error}"


def _problems_of_deliveries(connection: Connection, ids: Sequence[bytes]) -> Iterator[str]:
    key = connection.key
    records = connection.pipeline([("HGET", key("delivery:") + task_id, "data") for task_id in ids])
    tasks = connection.pipeline([("HEXISTS", key("tasks"), task_id) for task_id in ids])
    for task_id, data, has_task in zip(ids, records, tasks, strict=True):
        if not has_task:
            yield f"the callback of {task_id.decode()} has no task"
        try:
            decode_delivery(data or b"")
        except msgspec.DecodeError as error:
            yield f"the callback of {task_id.decode()} cannot be read: {error}"


def _chunks(connection: Connection, key: bytes) -> Iterator[Sequence[bytes]]:
    first = 0
    while ids := connection.call("LRANGE", key, first, first + _CHUNK - 1):
        yield ids
        first += _CHUNK
