"""The journals of the accounts in the SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.exchange import JOURNAL, JOURNAL_BYTES, VIOLATIONS
from evolink_mock.stores.journal_buffers import JournalBuffers
from evolink_mock.stores.records import decode_journal, encode, exchange_record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from evolink_mock.domain.exchange import Exchange, Journal
    from evolink_mock.stores.journal_buffers import Buffer
    from evolink_mock.stores.sqlite.connection import Connection

_ADD = "INSERT INTO exchanges (account, size, data) VALUES (?, ?, ?)"
_ADD_VIOLATION = "INSERT INTO violations (account, data) VALUES (?, ?)"
_TRIM = (
    "DELETE FROM exchanges WHERE account = :account AND seq < (SELECT min(seq) FROM ("
    "SELECT seq, row_number() OVER newest AS n, sum(size) OVER newest AS bytes FROM exchanges WHERE account = :account "
    "WINDOW newest AS (ORDER BY seq DESC)) WHERE n = 1 OR (n <= :count AND bytes <= :bytes))"
)
_TRIM_VIOLATIONS = (
    "DELETE FROM violations WHERE account = :account AND seq <= (SELECT seq FROM violations WHERE account = :account "
    "ORDER BY seq DESC LIMIT 1 OFFSET :count)"
)
_DROPPED = (
    "SELECT coalesce(sum(a.exchanges - min(?, (SELECT count(*) FROM exchanges e WHERE e.account = a.id))), 0) "
    "FROM accounts a"
)


class Journals:
    """Reads, writes and clears the journals in the SQLite file."""

    def __init__(self, connection: Connection, wall_time: Callable[[], float]) -> None:
        self._connection = connection
        self._wall_time = wall_time
        self.buffers = JournalBuffers(self._write_all)

    def read(self, token: str) -> Journal:
        """Return the journal of an account: its requests and responses."""
        self.buffers.flush()
        row = self._connection.fetch_one(
            "SELECT id, exchanges, violations FROM accounts WHERE token = ?", (token,)
        )
        if row is None:
            return decode_journal(token, (), (), (0, 0))
        account_id, *counts = row
        return decode_journal(
            token, self._data("exchanges", account_id), self._data("violations", account_id), counts
        )

    def dropped(self) -> int:
        """Return how many old exchanges have been removed from all journals."""
        row = self._connection.fetch_one(_DROPPED, (JOURNAL,))
        return int(row[0])

    def clear(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        self.buffers.flush()
        with self._connection.transaction() as database:
            row = database.execute("SELECT id FROM accounts WHERE token = ?", (token,)).fetchone()
            if row is not None:
                database.execute("DELETE FROM exchanges WHERE account = ?", row)
                database.execute("DELETE FROM violations WHERE account = ?", row)
                database.execute("UPDATE accounts SET exchanges = 0, violations = 0 WHERE id = ?", row)

    def restore(self, database: sqlite3.Connection, account_id: int, journal: Journal) -> None:
        """Store the journal of an account that has no journal yet."""
        database.executemany(_ADD, _rows(account_id, journal))
        violations = [(account_id, encode(violation)) for violation in journal.violations]
        database.executemany(_ADD_VIOLATION, violations)
        database.execute(
            "UPDATE accounts SET exchanges = ?, violations = ? WHERE id = ?",
            (
                journal.dropped + len(journal),
                journal.dropped_violations + len(journal.violations),
                account_id,
            ),
        )

    def _data(self, table: str, account_id: int) -> list[bytes]:
        query = f"SELECT data FROM {table} WHERE account = ? ORDER BY seq"  # noqa: S608  (constant names)
        return [data for (data,) in self._connection.fetch(query, (account_id,))]

    def _write_all(self, batch: Sequence[tuple[Buffer, list[Exchange]]]) -> None:
        with self._connection.transaction() as database:
            for buffer, exchanges in batch:
                self._write(database, buffer, exchanges)

    def _write(self, database: sqlite3.Connection, buffer: Buffer, exchanges: list[Exchange]) -> None:
        row = database.execute(
            "SELECT id, exchanges FROM accounts WHERE token = ?", (buffer.token,)
        ).fetchone()
        if row is None:
            return  # the account was dropped
        account_id, recorded = row
        database.executemany(_ADD, _rows(account_id, exchanges))
        if buffer.violations:
            violations = [(account_id, encode(violation)) for violation in buffer.violations]
            database.executemany(_ADD_VIOLATION, violations)
            database.execute(_TRIM_VIOLATIONS, {"account": account_id, "count": VIOLATIONS})
        count, violated = len(exchanges) + buffer.skipped, len(buffer.violations) + buffer.skipped_violations
        database.execute(
            "UPDATE accounts SET exchanges = exchanges + ?, violations = violations + ?, used_at = ? WHERE id = ?",
            (count, violated, self._wall_time(), account_id),
        )
        if (recorded + count) // JOURNAL > recorded // JOURNAL:
            limits = {"account": account_id, "count": JOURNAL, "bytes": JOURNAL_BYTES}
            database.execute(_TRIM, limits)


def _rows(account_id: int, exchanges: Iterable[Exchange]) -> Iterator[tuple[int, int, bytes]]:
    for exchange in exchanges:
        data = encode(exchange_record(exchange))
        yield account_id, len(data), data
