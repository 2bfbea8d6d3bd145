"""Summarize and check a store.

The commands `evolink-mock store info` and `evolink-mock store check` use this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from evolink_mock.stores.records import decode_account, decode_delivery
from evolink_mock.stores.sqlite.connection import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.sqlite.connection import Connection
    from evolink_mock.stores.sqlite.store import SqliteStore

_MOST = 20  # maximum number of problems of one kind that are listed


def summary(store: SqliteStore) -> dict[str, Any]:
    """Return facts about the store as a dictionary.

    The facts are the version of the store's format and the size in bytes. The numbers of records and workers are facts,
    too.
    """
    connection, wall = store.connection, store.wall_time()
    counts = {
        "accounts": "SELECT count(*) - 1 FROM accounts",  # without the account of anonymous requests
        "tasks": "SELECT count(*) FROM tasks",
        "callbacks": "SELECT count(*) FROM deliveries",
        "due": "SELECT count(*) FROM deliveries WHERE due IS NOT NULL",
        "leased": "SELECT count(*) FROM deliveries WHERE worker IS NOT NULL",
        "exchanges": "SELECT count(*) FROM exchanges",
        "bytes": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    }
    facts: dict[str, Any] = {"version": VERSION}
    facts |= {name: connection.fetch_one(query)[0] for name, query in counts.items()}
    workers = connection.fetch_one("SELECT count(*) FROM workers WHERE alive_until >= ?", (wall,))
    return facts | {"workers": workers[0]}


def problems(store: SqliteStore) -> list[str]:
    """Check the store, and return a line of text for each problem."""
    connection = store.connection
    lines = [text for (text,) in connection.fetch("PRAGMA integrity_check") if text != "ok"]
    lines += [
        f"the callback of {task_id} has no task"
        for (task_id,) in connection.fetch(
            "SELECT task FROM deliveries WHERE task NOT IN (SELECT id FROM tasks) LIMIT ?", (_MOST,)
        )
    ]
    return lines + [*_unreadable(connection, store.operations)][:_MOST]


def _unreadable(connection: Connection, operations: OperationIndex) -> Iterator[str]:
    for number, data in connection.rows("SELECT id, data FROM accounts WHERE id != 0"):
        try:
            decode_account(data)
        except msgspec.DecodeError as error:
            yield f"account {number} cannot be read: {error}"
    for task_id, data in connection.rows("SELECT task, data FROM deliveries"):
        try:
            decode_delivery(data)
        except msgspec.DecodeError as error:
            yield f"the callback of {task_id} cannot be read: {error}"
    for task_id, data in connection.rows("SELECT id, data FROM tasks"):
        try:
            operations.decode(task_id, "", data)
        except (ValueError, msgspec.DecodeError) as error:
            yield f"a task cannot be read: {error}"
