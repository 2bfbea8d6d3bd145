"""The journals on the Redis server.

Each account has a list of exchanges and a list of violations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_mock.domain.exchange import JOURNAL, JOURNAL_BYTES, VIOLATIONS
from evolink_mock.stores.journal_buffers import JournalBuffers
from evolink_mock.stores.records import decode_journal, encode, exchange_record
from evolink_mock.stores.redis.values import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evolink_mock.domain.exchange import Exchange, Journal, Violation
    from evolink_mock.stores.journal_buffers import Buffer
    from evolink_mock.stores.redis.connection import Command, Connection


class Journals:
    """Reads, writes and clears the journals on the Redis server."""

    def __init__(self, connection: Connection, wall_time: Callable[[], float]) -> None:
        self._connection = connection
        self._wall_time = wall_time
        self.buffers = JournalBuffers(self._write)

    def read(self, token: str) -> Journal:
        """Return the journal of an account: its requests and responses."""
        self.buffers.flush()
        key = self._connection.key
        exchanges, violations, counts = self._connection.pipeline(
            (
                ("LRANGE", key(f"journal:{token}"), 0, -1),
                ("LRANGE", key(f"violations:{token}"), 0, -1),
                ("HMGET", key(f"counts:{token}"), "exchanges", "violations"),
            )
        )
        return decode_journal(token, exchanges, violations, [int(count or 0) for count in counts])

    def dropped(self) -> int:
        """Return how many old exchanges have been removed from all journals."""
        key = self._connection.key
        tokens = (*self._connection.call("ZRANGE", key("opened"), 0, -1), b"")
        recorded = self._connection.pipeline(
            [("HGET", key("counts:") + token, "exchanges") for token in tokens]
        )
        kept: list[int] = self._connection.pipeline([("LLEN", key("journal:") + token) for token in tokens])
        return sum(int(count or 0) for count in recorded) - sum(kept)

    def clear(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        self.buffers.flush()
        self._connection.write("clear_journal", name_of(token))

    def restoring(self, token: str, journal: Journal) -> Command:
        """Return the command that stores a whole journal.

        The account must not have a journal yet.
        """
        return self._call(token, [*journal], journal.violations, journal.dropped, journal.dropped_violations)

    def _write(self, batch: Sequence[tuple[Buffer, list[Exchange]]]) -> None:
        self._connection.pipeline(
            [
                self._call(
                    buffer.token, exchanges, buffer.violations, buffer.skipped, buffer.skipped_violations
                )
                for buffer, exchanges in batch
            ]
        )

    def _call(
        self,
        token: str,
        exchanges: Sequence[Exchange],
        violations: Iterable[Violation],
        dropped: int,
        dropped_violations: int,
    ) -> Command:
        records: list[Any] = [encode(exchange_record(exchange)) for exchange in exchanges]
        texts = [encode(violation) for violation in violations]
        limits = JOURNAL, JOURNAL_BYTES, VIOLATIONS
        counts = len(records) + dropped, len(texts) + dropped_violations
        values = name_of(token), self._wall_time(), *counts, *limits, len(records)
        return self._connection.writing("record", *values, *records, *texts)
