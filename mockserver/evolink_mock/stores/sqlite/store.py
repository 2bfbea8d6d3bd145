"""The store in an SQLite file. Its calls do not wait: a transaction takes microseconds."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from evolink_mock.domain.accounts import open_account
from evolink_mock.domain.clock import sleep
from evolink_mock.domain.store import NO_CHANGE, Change, StoreError
from evolink_mock.stores.records import decode_account, decode_delivery, encode
from evolink_mock.stores.sqlite.connection import Connection
from evolink_mock.stores.sqlite.journals import Journals
from evolink_mock.stores.sqlite.leases import Leases, wakes_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.exchange import Journal, Recorder
    from evolink_mock.domain.store import AccountState, Step
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex

_ANONYMOUS = 0  # the id of the account whose journal has the requests that belong to no account
_CACHED_ACCOUNTS = 1024
_WANTED = "journals wanted"  # the fact that counts the requests for journals
_OTHERS_SECONDS = 0.06  # real time, for other workers to write their journals
_FIND = (
    "SELECT a.data, t.data, o.token FROM (SELECT 1) LEFT JOIN accounts a ON a.token = ? "
    "LEFT JOIN tasks t ON t.id = ? LEFT JOIN accounts o ON o.id = t.account"
)


class _IdTakenError(Exception):
    """A task with this id exists."""


class SqliteStore:
    """A `LocalStore` and a `SharedStore` in a file. `wall_time` returns Unix seconds, for leases and expiry.

    Raises `StoreError` if the file cannot be used.
    """

    def __init__(
        self, path: Path, operations: OperationIndex, terms: AccountTerms, wall_time: Callable[[], float]
    ) -> None:
        self.worker = secrets.token_hex(8)
        self.connection = Connection(path)
        self.operations = operations
        self._decode = lru_cache(_CACHED_ACCOUNTS)(decode_account)  # views: `change` decodes its own
        self.terms = terms
        self.wall_time = wall_time
        self._version = self.connection.data_version()
        self._wanted: Any = None
        self.journals = Journals(self.connection, wall_time)
        self.leases = Leases(self.connection, self.worker, wall_time)

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None if it succeeded."""
        return self.connection.problem

    def fact(self, name: str, value: Any = None) -> Any:
        """Return a fact about the store, such as the seed of its ids.

        If it is not stored yet, `value` is stored and returned.
        """
        row = self.connection.fetch_one("SELECT value FROM facts WHERE name = ?", (name,))
        if row is None and value is not None:
            with self.connection.transaction() as database:
                database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
            return self.fact(name)
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact, replacing its earlier value."""
        with self.connection.transaction() as database:
            database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def account_now(self, token: str) -> Account:
        """Return the account of a token, which must not be modified."""
        row = self.connection.fetch_one("SELECT data FROM accounts WHERE token = ?", (token,))
        return self._open(token) if row is None else decode_account(row[0])

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return an account, which must not be modified, and a task."""
        account, task, owner = self.connection.fetch_one(_FIND, (token, task_id))
        return (
            self._open(token) if account is None else self._decode(account),
            None if task is None else self.operations.decode(task_id, owner, task),
        )

    def change_now(self, token: str, step: Step) -> None:
        """Change an account by `step`, in one transaction."""
        taken: set[str] = set()
        while True:
            try:
                with self.connection.transaction() as database:
                    self._change(database, token, step, taken)
            except _IdTakenError as error:
                taken.add(str(error))
            else:
                return

    async def account(self, token: str) -> Account:
        """Return the account of a token, which must not be modified."""
        return self.account_now(token)

    async def change(self, token: str, step: Step) -> None:
        """Change an account by `step`."""
        self.change_now(token, step)

    async def accounts(self) -> Sequence[Account]:
        """Return every account."""
        rows = self.connection.fetch("SELECT data FROM accounts WHERE id != ? ORDER BY id", (_ANONYMOUS,))
        return [decode_account(data) for (data,) in rows]

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return an account, which must not be modified, and a task."""
        return self.find_now(token, task_id)

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id."""
        row = self.connection.fetch_one(
            "SELECT t.data, o.token FROM tasks t JOIN accounts o ON o.id = t.account WHERE t.id = ?",
            (task_id,),
        )
        return None if row is None else self.operations.decode(task_id, row[1], row[0])

    async def tasks(self, token: str) -> Sequence[Task]:
        """Return the tasks of an account."""
        query = "SELECT t.id, t.data FROM accounts a, tasks t WHERE t.account = a.id AND a.token = ? ORDER BY t.number"
        rows = self.connection.rows(query, (token,))
        return [self.operations.decode(task_id, token, data) for task_id, data in rows]

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback."""
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
        """Return when the next callback of an account is due."""
        row = self.connection.fetch_one(
            "SELECT min(d.due) FROM accounts a JOIN deliveries d ON d.account = a.id WHERE a.token = ?",
            (token,),
        )
        due: float | None = row[0]
        return due

    async def drop(self, token: str) -> None:
        """Drop an account."""
        self.journals.buffers.forget(token)
        with self.connection.transaction() as database:
            row = database.execute("SELECT id FROM accounts WHERE token = ?", (token,)).fetchone()
            if row is not None:
                for table in ("tasks", "deliveries", "exchanges", "violations"):
                    database.execute(f"DELETE FROM {table} WHERE account = ?", row)  # noqa: S608  (constant names)
                database.execute("DELETE FROM accounts WHERE id = ?", row)

    async def unused(self, since: float, now: float) -> Sequence[str]:  # noqa: ARG002
        """Return the tokens that have not been used since a given time."""
        query = "SELECT token FROM accounts WHERE used_at < ? AND id != ?"
        return [token for (token,) in self.connection.fetch(query, (since, _ANONYMOUS))]

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal."""
        account, token = state.account, state.account.token
        await self.drop(token)
        try:
            with self.connection.transaction() as database:
                account_id = self._insert(database, token, encode(account))
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

    def recorder(self, token: str) -> Recorder:
        """Return the recorder for the exchanges of an account."""
        return self.journals.buffers.recorder(token)

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account. Other workers first write what they have recorded."""
        if await self.leases.others():
            self.set_fact(_WANTED, secrets.token_hex(4))
            await sleep(_OTHERS_SECONDS)
        return self.journals.read(token)

    async def dropped_exchanges(self) -> int:
        """Return how many exchanges the journals have dropped."""
        return self.journals.dropped()

    async def clear_journal(self, token: str) -> None:
        """Forget the exchanges of an account."""
        self.journals.clear(token)

    async def has_changed(self) -> bool:
        """Whether another process has changed the store since the last call."""
        before, self._version = self._version, self.connection.data_version()
        if self._version == before:
            return False
        wanted = self.fact(_WANTED)
        if wanted != self._wanted:
            self._wanted = wanted
            self.journals.buffers.flush()
        return True

    async def flush(self) -> None:
        """Write some of the recorded exchanges to the journals."""
        self.journals.buffers.flush_in_rounds()

    def close(self) -> None:
        """Write the recorded exchanges, give up all leases, and close the file."""
        with suppress(StoreError):
            self.journals.buffers.flush()
            self.leases.end_now(self.worker)
        self.connection.close()

    def _open(self, token: str) -> Account:
        self.change_now(token, lambda *_: NO_CHANGE)
        return self.account_now(token)

    def _change(self, database: sqlite3.Connection, token: str, step: Step, taken: set[str]) -> None:
        row = database.execute("SELECT id, data FROM accounts WHERE token = ?", (token,)).fetchone()
        account = open_account(token, self.terms) if row is None else decode_account(row[1])
        time_before = account.frozen_at, account.shift
        change = step(account, taken.__contains__)
        data = encode(account)
        if row is None:
            account_id = self._insert(database, token, data)
        else:
            account_id = row[0]
            if data != row[1]:
                database.execute(
                    "UPDATE accounts SET data = ?, used_at = ? WHERE id = ?",
                    (data, self.wall_time(), account_id),
                )
        if change.task is not None:
            self._store(database, account_id, account, change.task, change)
        if time_before != (account.frozen_at, account.shift):
            self.leases.clock_changed(database, account_id, account)

    def _insert(self, database: sqlite3.Connection, token: str, data: bytes) -> int:
        values = (token, data, self.wall_time())
        cursor = database.execute("INSERT INTO accounts (token, data, used_at) VALUES (?, ?, ?)", values)
        return cursor.lastrowid or 0

    def _store(
        self, database: sqlite3.Connection, account_id: int, account: Account, task: Task, change: Change
    ) -> None:
        data = self.operations.encode(task)
        if change.replaces:
            database.execute("UPDATE tasks SET data = ? WHERE id = ?", (data, task.id))
        else:
            values = (task.id, account_id, account.task_count, data)
            try:
                database.execute("INSERT INTO tasks VALUES (?, ?, ?, ?)", values)
            except sqlite3.IntegrityError as error:
                raise _IdTakenError(task.id) from error
        if change.delivery is not None:
            self.leases.add(database, account_id, change.delivery, wakes_at(account, change.delivery.due))
        if change.due is not None:
            self.leases.move(database, account, task.id, change.due)
