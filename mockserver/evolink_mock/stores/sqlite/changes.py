"""Read and change accounts and tasks in the SQLite file.

The changes of several requests can share one transaction.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING

from evolink_mock.domain.accounts import open_account
from evolink_mock.domain.store import NO_CHANGE, Change, StoreError
from evolink_mock.stores.records import decode_account, encode
from evolink_mock.stores.sqlite.leases import wakes_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.store import Step
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.sqlite.connection import Connection
    from evolink_mock.stores.sqlite.leases import Leases

    Command = tuple[str, Step]  # a token, and the step that changes its account

_CACHED_ACCOUNTS = 1024
_CACHED_QUERIES = 4096
_FIND = (
    "SELECT a.data, t.data, o.token FROM (SELECT 1) LEFT JOIN accounts a ON a.token = ? "
    "LEFT JOIN tasks t ON t.id = ? LEFT JOIN accounts o ON o.id = t.account"
)


class _IdTakenError(Exception):
    pass


class _Row:
    __slots__ = ("data", "id", "stored")

    def __init__(self, row_id: int | None, data: bytes | None) -> None:
        self.id = row_id  # None until the account is stored
        self.data = self.stored = data  # after the last step, and in the file


class Changes:
    """Reads and changes accounts.

    The argument `terms` is a function that returns the initial state of new accounts.
    """

    def __init__(
        self,
        connection: Connection,
        operations: OperationIndex,
        leases: Leases,
        terms: Callable[[], AccountTerms],
        wall_time: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._operations = operations
        self._leases = leases
        self._terms = terms
        self._wall_time = wall_time
        self._decode = lru_cache(_CACHED_ACCOUNTS)(decode_account)  # only for accounts that are not modified
        self._results: dict[tuple[str, str], tuple[Account, Task | None]] = {}  # of `find` since `_version`
        self._version = connection.version()
        self.is_current = False  # whether `_version` has been checked since the requests of a batch arrived

    def account(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        row = self._connection.fetch_one("SELECT data FROM accounts WHERE token = ?", (token,))
        return self._open(token) if row is None else decode_account(row[0])

    def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account. The result is cached until a
        process writes to the file.
        """
        self.is_current = False
        return self.find_cached(token, task_id)

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id, from a cache.

        Results that are not cached are read from the file. The task is None if no task has this id. Once per batch of
        requests, this method checks whether the file has changed. If the file has changed, the method empties the
        cache.
        """
        if not self.is_current:
            version = self._connection.version()
            if version != self._version or len(self._results) >= _CACHED_QUERIES:
                self._version, self._results = version, {}
            self.is_current = True
        result = self._results.get((token, task_id))
        if result is None:
            result = self._results[token, task_id] = self._read(token, task_id)
        return result

    def change(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too. All writes are in one transaction.
        """
        taken: set[str] = set()
        while True:
            try:
                with self._connection.transaction() as database:
                    row = _row(database, token)
                    self._change(database, row, token, step, taken)
                    self._save(database, row)
            except _IdTakenError as error:
                taken.add(str(error))
            else:
                return

    def together(self, commands: Sequence[Command]) -> list[Exception | None]:
        """Run several commands in one transaction.

        A command is a token and the function that changes its account. Returns the exception that each function raised,
        or None. Raises `StoreError` if the transaction cannot be stored.
        """
        try:
            with self._connection.transaction() as database:
                rows = {token: _row(database, token) for token in {token for token, _ in commands}}
                errors = [self._error_of(database, rows[token], token, step) for token, step in commands]
                for row in rows.values():  # each row once, after all changes of its account
                    self._save(database, row)
                return errors
        except _IdTakenError:  # the transaction was rolled back
            return [self._error_alone(*command) for command in commands]

    def _error_of(self, database: sqlite3.Connection, row: _Row, token: str, step: Step) -> Exception | None:
        try:
            self._change(database, row, token, step, set())
        except (_IdTakenError, StoreError, sqlite3.Error):
            raise
        except Exception as error:  # noqa: BLE001  (raised by the step, which has changed nothing in the file)
            return error
        return None

    def _error_alone(self, token: str, step: Step) -> Exception | None:
        try:
            self.change(token, step)
        except Exception as error:  # noqa: BLE001  (the caller of `change` raises the error again)
            return error
        return None

    def _read(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        account, task, owner = self._connection.fetch_one(_FIND, (token, task_id))
        return (
            self._open(token) if account is None else self._decode(account),
            None if task is None else self._operations.decode(task_id, owner, task),
        )

    def _open(self, token: str) -> Account:
        self.change(token, lambda *_: NO_CHANGE)
        return self.account(token)

    def _change(
        self, database: sqlite3.Connection, row: _Row, token: str, step: Step, taken: set[str]
    ) -> None:
        account = open_account(token, self._terms()) if row.data is None else decode_account(row.data)
        time_before = account.frozen_at, account.shift
        change = step(account, taken.__contains__)
        row.data = encode(account)
        if row.id is None:
            row.id, row.stored = self.insert(database, token, row.data), row.data
        if change.task is not None:
            self._store(database, row.id, account, change.task, change)
        if time_before != (account.frozen_at, account.shift):
            self._leases.clock_changed(database, row.id, account)

    def _save(self, database: sqlite3.Connection, row: _Row) -> None:
        if row.data != row.stored:
            database.execute(
                "UPDATE accounts SET data = ?, used_at = ? WHERE id = ?",
                (row.data, self._wall_time(), row.id),
            )

    def insert(self, database: sqlite3.Connection, token: str, data: bytes) -> int:
        """Store a new account, and return its row id in the table `accounts`."""
        values = (token, data, self._wall_time())
        cursor = database.execute("INSERT INTO accounts (token, data, used_at) VALUES (?, ?, ?)", values)
        return cursor.lastrowid or 0

    def _store(
        self, database: sqlite3.Connection, account_id: int, account: Account, task: Task, change: Change
    ) -> None:
        data = self._operations.encode(task)
        if change.replaces:
            database.execute("UPDATE tasks SET data = ? WHERE id = ?", (data, task.id))
        else:
            values = (task.id, account_id, account.task_count, data)
            try:
                database.execute("INSERT INTO tasks VALUES (?, ?, ?, ?)", values)
            except sqlite3.IntegrityError as error:
                raise _IdTakenError(task.id) from error
        if change.delivery is not None:
            self._leases.add(database, account_id, change.delivery, wakes_at(account, change.delivery.due))
        if change.due is not None:
            self._leases.move(database, account, task.id, change.due)


def _row(database: sqlite3.Connection, token: str) -> _Row:
    row = database.execute("SELECT id, data FROM accounts WHERE token = ?", (token,)).fetchone()
    return _Row(None, None) if row is None else _Row(*row)
