"""The store in an SQLite file.

Calls of this store block the event loop for the time of a transaction.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

from evolink_mock.stores.batching import sent
from evolink_mock.stores.journaled import WANTED, JournaledStore
from evolink_mock.stores.records import decode_account, decode_delivery, encode
from evolink_mock.stores.sqlite.changes import Changes
from evolink_mock.stores.sqlite.connection import Connection
from evolink_mock.stores.sqlite.journals import Journals
from evolink_mock.stores.sqlite.leases import Leases, wakes_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import AccountState, Step
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.sqlite.changes import Command

_ANONYMOUS = 0  # id of the account whose journal records the requests without an account


class SqliteStore(JournaledStore):
    """A store in an SQLite file. Several workers can share the store.

    The store can handle several requests in one transaction. The argument `wall_time` is a function that returns the
    real time in Unix seconds. Methods raise `StoreError` if the file cannot be used.
    """

    def __init__(
        self, path: Path, operations: OperationIndex, terms: AccountTerms, wall_time: Callable[[], float]
    ) -> None:
        self.worker = secrets.token_hex(8)
        self.connection: Connection = Connection(path)
        self.operations = operations
        self.terms = terms
        self.wall_time = wall_time
        self._version = self.connection.data_version()
        self.journals: Journals = Journals(self.connection, wall_time)
        self.leases: Leases = Leases(self.connection, self.worker, wall_time)
        self.changes = Changes(self.connection, operations, self.leases, lambda: self.terms, wall_time)
        self.is_batching = False  # the batched lane sets it while it runs a coroutine

    def fact(self, name: str, value: Any = None) -> Any:
        """Return the value that all workers share under this name.

        If no value is stored under this name, `value` is stored and returned.
        """
        row = self.connection.fetch_one("SELECT value FROM facts WHERE name = ?", (name,))
        if row is None and value is not None:
            with self.connection.transaction() as database:
                database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
            return self.fact(name)
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Set the value that all workers share under this name."""
        with self.connection.transaction() as database:
            database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def account_now(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        return self.changes.account(token)

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account.
        """
        return self.changes.find(token, task_id)

    def begin_batch(self) -> None:
        """Begin a batch of requests.

        Once per batch, the store checks whether its cached accounts and tasks are out of date.
        """
        self.changes.is_current = False

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id, from a cache.

        Results that are not cached are read from the file. The task is None if no task has this id.
        """
        return self.changes.find_cached(token, task_id)

    def change_now(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too. All writes are in one transaction.
        """
        self.changes.change(token, step)

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Run several commands in one transaction.

        A command is a token and the function that changes its account. Returns the exception that each function raised,
        or None.
        """
        return self.changes.together(commands)

    async def account(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        return self.account_now(token)

    async def change(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too. All writes are in one transaction.
        """
        if self.is_batching:
            await sent((token, step))
        else:
            self.changes.change(token, step)

    async def accounts(self) -> Sequence[Account]:
        """Return every account."""
        rows = self.connection.fetch("SELECT data FROM accounts WHERE id != ? ORDER BY id", (_ANONYMOUS,))
        return [decode_account(data) for (data,) in rows]

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account.
        """
        return self.changes.find(token, task_id)

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id.

        Returns None if no task has this id.
        """
        row = self.connection.fetch_one(
            "SELECT t.data, o.token FROM tasks t JOIN accounts o ON o.id = t.account WHERE t.id = ?",
            (task_id,),
        )
        return None if row is None else self.operations.decode(task_id, row[1], row[0])

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return the tasks of an account. If `latest` is set, return that many of the newest tasks."""
        query = "SELECT t.id, t.data FROM accounts a, tasks t WHERE t.account = a.id AND a.token = ? ORDER BY t.number"
        rows = self.connection.rows(f"{query} DESC LIMIT ?", (token, -1 if latest is None else latest))
        return [self.operations.decode(task_id, token, data) for task_id, data in rows][::-1]

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback.

        Returns None if the task has no callback.
        """
        row = self.connection.fetch_one("SELECT data FROM deliveries WHERE task = ?", (task_id,))
        return None if row is None else decode_delivery(row[0])

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account."""
        rows = self.connection.fetch(
            "SELECT d.data FROM accounts a JOIN deliveries d ON d.account = a.id JOIN tasks t ON t.id = d.task "
            "WHERE a.token = ? ORDER BY t.number",
            (token,),
        )
        return [decode_delivery(data) for (data,) in rows]

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock.

        Returns None if no callback is planned.
        """
        row = self.connection.fetch_one(
            "SELECT min(d.due) FROM accounts a JOIN deliveries d ON d.account = a.id WHERE a.token = ?",
            (token,),
        )
        due: float | None = row[0]
        return due

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        self.journals.buffers.forget(token)
        with self.connection.transaction() as database:
            row = database.execute("SELECT id FROM accounts WHERE token = ?", (token,)).fetchone()
            if row is not None:
                for table in ("tasks", "deliveries", "exchanges", "violations"):
                    database.execute(f"DELETE FROM {table} WHERE account = ?", row)  # noqa: S608  (constant names)
                database.execute("DELETE FROM accounts WHERE id = ?", row)

    async def unused(self, since: float, now: float) -> Sequence[str]:  # noqa: ARG002
        """Return the tokens of the accounts that have sent no request since `since`.

        `since` is a real time in Unix seconds.
        """
        query = "SELECT token FROM accounts WHERE used_at < ? AND id != ?"
        return [token for (token,) in self.connection.fetch(query, (since, _ANONYMOUS))]

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal."""
        account, token = state.account, state.account.token
        await self.drop(token)
        try:
            with self.connection.transaction() as database:
                account_id = self.changes.insert(database, token, encode(account))
                database.executemany(
                    "INSERT INTO tasks VALUES (?, ?, ?, ?)",
                    (
                        (task.id, account_id, number, self.operations.encode(task))
                        for number, task in enumerate(state.tasks, 1 + account.task_count - len(state.tasks))
                    ),
                )
                for delivery in state.deliveries:
                    self.leases.add(database, account_id, delivery, wakes_at(account, delivery.due))
                self.journals.restore(database, account_id, state.journal)
        except sqlite3.IntegrityError as error:
            raise ValueError("a task of another account has the same id") from error

    async def has_changed(self) -> bool:
        """Return whether another process has written to the store since the previous call.

        A worker collects exchanges in memory. If another worker is about to read a journal, this method also writes
        these exchanges to the journals.
        """
        before, self._version = self._version, self.connection.data_version()
        if self._version == before:
            return False
        self.flush_if_wanted(self.fact(WANTED))
        return True
