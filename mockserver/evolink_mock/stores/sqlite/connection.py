"""The schema of the SQLite file, and a connection to the file.

Every problem is reported as a `StoreError`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from evolink_mock.domain.clock import pause, stopwatch
from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

VERSION = 1  # the version of the schema, stored as `PRAGMA user_version`
_APPLICATION = 0x45564F4C  # "EVOL", stored as `PRAGMA application_id`
_BUSY_SECONDS = 5.0  # maximum wait for the transactions of other processes, each of which takes microseconds
_BUSY_PAUSE = 0.0002  # seconds between two attempts to get the lock
_CHECKPOINT_SECONDS = 0.5  # between two checks of the write-ahead log
_MOST_PAGES = 16_384  # maximum number of pages in the log (64 MiB)
_CHECKPOINT_BYTES = 4 * 1024 * 1024  # a larger log is copied into the database file

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, data BLOB NOT NULL, used_at REAL NOT NULL,
    exchanges INTEGER NOT NULL DEFAULT 0, violations INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tasks (id TEXT PRIMARY KEY, account INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX tasks_of_account ON tasks (account, number);
CREATE TABLE deliveries (
    task TEXT PRIMARY KEY, account INTEGER NOT NULL, receiver TEXT NOT NULL, data BLOB NOT NULL,
    due REAL, wakes_at REAL, worker TEXT, has_begun INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX deliveries_of_account ON deliveries (account, due);
CREATE INDEX deliveries_to_attempt ON deliveries (wakes_at, account, receiver)
    WHERE worker IS NULL AND wakes_at IS NOT NULL;
CREATE INDEX deliveries_of_worker ON deliveries (worker, account) WHERE worker IS NOT NULL;
CREATE TABLE exchanges (seq INTEGER PRIMARY KEY, account INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX exchanges_of_account ON exchanges (account, seq);
CREATE TABLE violations (seq INTEGER PRIMARY KEY, account INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX violations_of_account ON violations (account, seq);
CREATE TABLE workers (id TEXT PRIMARY KEY, alive_until REAL NOT NULL) WITHOUT ROWID;
INSERT INTO accounts (id, token, data, used_at) VALUES (0, '', x'', 0)
"""


class Connection:
    """A connection to the SQLite file in write-ahead mode.

    A committed transaction survives if the process is killed. A power failure may lose committed transactions. Methods
    raise `StoreError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str | None = None  # reason for the last failure; None after a successful write
        self._commits = 0  # commits of this connection, which `data_version` does not count
        try:
            # The file contains API keys, so only its owner may read it. `os.open` must not be used for a file that
            # SQLite has open, because closing the descriptor would release the locks of this process.
            if not path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
        with self._explained():
            self._database = _connect(path)
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise
        self._checkpoints = Checkpoints(path)

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of an SQL query."""
        with self._explained():
            return self._execute(sql, values).fetchall()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Yield the rows of an SQL query, as they were when the query began."""
        with self._explained():
            yield from self._execute(sql, values)

    def fetch_one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first row of an SQL query.

        Returns None if the result is empty.
        """
        try:
            return self._execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise self.store_error(error) from error

    def transaction(self) -> Transaction:
        """Return a context manager that commits all writes in its block.

        If the block raises an exception, no write is stored.
        """
        return Transaction(self)

    def begin(self) -> sqlite3.Connection:
        """Begin a transaction, and return the connection object of the module `sqlite3`."""
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self.store_error(error) from error
        return self._database

    def commit(self) -> None:
        """Commit the transaction.

        If this method raises `StoreError`, the transaction is rolled back.
        """
        self._commits += 1
        try:
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self.roll_back()
            raise self.store_error(error) from error
        self.problem = None

    def roll_back(self) -> None:
        """End the transaction without storing any of its writes."""
        with suppress(sqlite3.Error):  # it may have ended already
            self._database.execute("ROLLBACK")

    def data_version(self) -> int:
        """Return a number that changes when another connection writes to the file."""
        version: int = self.fetch_one("PRAGMA data_version")[0]
        return version

    def version(self) -> tuple[int, int]:
        """Return a value that changes when this or another connection writes to the file."""
        return self._commits, self.data_version()

    def close(self) -> None:
        """Copy the write-ahead log into the file, and close the file."""
        self._checkpoints.close()
        with suppress(sqlite3.Error):
            self._database.close()

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        # Other processes hold the lock for microseconds. SQLite's busy timeout would pause for milliseconds.
        deadline = None
        while True:
            try:
                return self._database.execute(sql, values)
            except sqlite3.OperationalError as error:
                now = stopwatch()
                deadline = deadline or now + _BUSY_SECONDS
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or now > deadline:
                    raise
                pause(_BUSY_PAUSE)

    def _prepare(self) -> None:
        application, version = (
            self._execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        is_new = not self._execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and application != _APPLICATION:
            raise StoreError(f"{self._path} is a database of another program")
        if version > VERSION:
            raise StoreError(
                f"{self._path} has version {version} of the schema, but this evolink-mock supports up to {VERSION}: "
                "use a newer evolink-mock, or another file"
            )
        self._execute("PRAGMA journal_mode = WAL")
        self._execute("PRAGMA synchronous = NORMAL")
        self._execute("PRAGMA wal_autocheckpoint = 0")
        self._execute("PRAGMA mmap_size = 268435456")
        if is_new:
            self._create()

    def _create(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        if not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[
            0
        ]:  # otherwise another process has created it
            for statement in _SCHEMA.split(";\n"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._database.execute(f"PRAGMA user_version = {VERSION}")
        self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self.store_error(error) from error

    def store_error(self, error: sqlite3.Error) -> StoreError:
        """Convert a database error to a `StoreError`, and set `problem` of this connection to the message."""
        self.problem = f"{self._path}: {error}"
        return StoreError(self.problem)


# A class, because a generator function would slow down every request that writes.
class Transaction:
    """Commits a transaction at the end of a `with` block.

    If the block raises an exception, the transaction is rolled back.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        return self._connection.begin()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            self._connection.commit()
            return
        self._connection.roll_back()
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise self._connection.store_error(error) from error


class Checkpoints:
    """A thread that regularly copies the write-ahead log into the database file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        # Requests do not copy the log, because they would have to wait for the disk.
        self._thread = threading.Thread(target=self._run, name="evolink-mock checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread without copying the log once more."""
        self._stop.set()
        self._thread.join()  # SQLite itself copies the log when the last connection is closed

    def _run(self) -> None:
        log = self._path.with_name(f"{self._path.name}-wal")
        while not self._stop.wait(_CHECKPOINT_SECONDS):
            with suppress(OSError, sqlite3.Error):  # such as a full disk, which the next write reports
                if log.stat().st_size > _CHECKPOINT_BYTES:
                    with closing(_connect(self._path)) as database:
                        _, pages, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                        if pages > _MOST_PAGES:  # writers that never pause now wait until the log restarts
                            database.execute("PRAGMA busy_timeout = 100")
                            database.execute("PRAGMA wal_checkpoint(RESTART)")


def _connect(path: Path) -> sqlite3.Connection:
    # `MockServer` opens the connection in one thread and uses it in another.
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
