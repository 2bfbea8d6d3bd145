"""Completed requests that are not yet written to the journals in the store.

A process writes many requests at once, because single writes would be slow.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from evolink_mock.domain.accounts import label_of
from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.exchange import JOURNAL, VIOLATIONS, violation_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evolink_mock.domain.exchange import Exchange, Violation

_CACHED = 10_000  # maximum number of buffers, without those that have unwritten exchanges
_BATCH = 50  # minimum number of exchanges in a batch, if so many are unwritten
_SHARE = 10  # a batch has at least a tenth of the unwritten exchanges
_ROUND_SECONDS, _BATCHES = 0.25, 4  # real time between two rounds; maximum batches per round


class Buffer:
    """The unwritten requests of an account, at most as many as a journal keeps."""

    def __init__(self, token: str, waiting: dict[str, Buffer]) -> None:
        self.label = label_of(token) if token else ""
        self.token = token
        self.exchanges: deque[Exchange] = deque()
        self.violations: deque[Violation] = deque()
        self.skipped = self.skipped_violations = 0  # how many were dropped before they were written
        self._waiting = waiting

    def append(self, exchange: Exchange) -> None:
        """Record a completed exchange. If the buffer is full, its oldest exchange is dropped."""
        if len(self.exchanges) >= JOURNAL:
            self.exchanges.popleft()
            self.skipped += 1
        self.exchanges.append(exchange)
        self._waiting[self.token] = self
        if (exchange.notes or exchange.status >= 400) and not exchange.decided:  # noqa: PLR2004  (as in `Journal`)
            self.add_violations(violation_records(exchange))

    def add_violations(self, violations: Iterable[Violation]) -> None:
        """Record the violations of one request, before or after the response is sent."""
        self.violations.extend(violations)
        if self.violations:
            self._waiting[self.token] = self
        while len(self.violations) > VIOLATIONS:
            self.violations.popleft()
            self.skipped_violations += 1


class JournalBuffers:
    """The buffers of unwritten requests, one for each account.

    The argument `write` is a function that stores a batch. A batch is a list of pairs: a buffer, and its oldest
    exchanges. `write` also stores all violations of these buffers.
    """

    def __init__(self, write: Callable[[Sequence[tuple[Buffer, list[Exchange]]]], None]) -> None:
        self._write = write
        self._buffers: dict[str, Buffer] = {}
        self._waiting: dict[str, Buffer] = {}  # the buffers with unwritten exchanges
        self._batches, self._flush_at = 0, 0.0  # batches of this round; start of the next round (stopwatch)

    def recorder(self, token: str) -> Buffer:
        """Return the buffer that collects the requests and responses of an account."""
        buffer = self._buffers.get(token)
        if buffer is None:
            if len(self._buffers) > _CACHED:
                self._buffers = dict(self._waiting)
            buffer = self._buffers[token] = Buffer(token, self._waiting)
        return buffer

    def flush(self) -> None:
        """Write all unwritten exchanges to the journals."""
        while self._waiting:
            self.flush_some()

    def flush_in_rounds(self) -> None:
        """Write the next batch of exchanges, or do nothing between two rounds.

        A round has at most four batches, and ends when all exchanges are written. The next round begins a quarter of a
        second later. This method must be called many times per second. If calls are rarer, full buffers drop their
        oldest exchanges.
        """
        now = stopwatch()
        if now >= self._flush_at:
            self._batches += 1  # the round ends after `_BATCHES` batches, or when everything is written
            if not self.flush_some() or self._batches >= _BATCHES:
                self._batches, self._flush_at = 0, now + _ROUND_SECONDS

    def flush_some(self) -> bool:
        """Write the next batch, and return whether unwritten exchanges are left.

        If writing raises `StoreError`, the exchanges stay in the buffers.
        """
        if not self._waiting:
            return False
        buffers = list(self._waiting.values())
        left = max(_BATCH, sum(len(buffer.exchanges) for buffer in buffers) // _SHARE)
        batch = []
        for buffer in buffers:
            exchanges = list(islice(buffer.exchanges, left))
            batch.append((buffer, exchanges))
            left -= len(exchanges)
            if left <= 0:
                break
        self._write(batch)
        for buffer, exchanges in batch:
            self._remove(buffer, len(exchanges))
        return bool(self._waiting)

    def forget(self, token: str) -> None:
        """Discard the unwritten exchanges of an account that is being deleted."""
        self._waiting.pop(token, None)
        self._buffers.pop(token, None)

    def _remove(self, buffer: Buffer, count: int) -> None:
        for _ in range(count):
            buffer.exchanges.popleft()
        buffer.violations.clear()
        buffer.skipped = buffer.skipped_violations = 0
        if not buffer.exchanges:
            self._waiting.pop(buffer.token, None)
