"""The latest exchanges of all accounts, for the console and for `GET /events`.

An exchange is a request with its response.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange

_EXCHANGES = 500
_BODY_BYTES = 8 * 1024 * 1024  # maximum bytes in the bodies of all stored exchanges


class Numbered(NamedTuple):
    """An exchange, and its number in the feed, counted from 1."""

    number: int
    exchange: Exchange


class ExchangeFeed:
    """The latest completed exchanges, limited in number and in bytes.

    Each exchange has a number. A reader passes the number of its last exchange to `after`. `clear` hides all earlier
    exchanges from `shown` and `get`, but not from `after`.
    """

    def __init__(self, limit: int = _EXCHANGES, body_bytes: int = _BODY_BYTES) -> None:
        self._limit, self._body_bytes = limit, body_bytes
        self._stored: deque[Exchange] = deque()
        self._bytes = 0
        self._followers: set[asyncio.Event] = set()
        self.last = 0  # the number of the latest exchange
        self.clearings = 0  # number of calls of `clear`
        self.last_cleared = 0  # the number of the latest exchange that was cleared

    def publish(self, exchange: Exchange) -> None:
        """Append a completed exchange, and wake the readers that wait."""
        stored = self._stored
        self.last += 1
        stored.append(exchange)
        self._bytes += len(exchange.request_body) + len(exchange.answer_body)
        while len(stored) > self._limit or (self._bytes > self._body_bytes and len(stored) > 1):
            dropped = stored.popleft()
            self._bytes -= len(dropped.request_body) + len(dropped.answer_body)
        for changed in self._followers:
            changed.set()

    def clear(self) -> None:
        """Hide all exchanges that have been published so far. Their numbers are not used again."""
        self.last_cleared = self.last
        self.clearings += 1
        for changed in self._followers:
            changed.set()

    def get(self, number: int) -> Exchange | None:
        """Return the exchange with this number.

        Returns None if the exchange is hidden or was removed.
        """
        index = number - self.last + len(self._stored) - 1
        is_shown = 0 <= index < len(self._stored) and number > self.last_cleared
        return self._stored[index] if is_shown else None

    def number_of(self, exchange: Exchange) -> int:
        """Return the number of a published exchange (1 or greater).

        Returns 0 if the exchange was removed.
        """
        stored = reversed(self._stored)
        return next((self.last - index for index, item in enumerate(stored) if item is exchange), 0)

    def shown(self) -> list[Numbered]:
        """Return the stored exchanges that are not hidden."""
        return self.after(self.last_cleared)[0]

    def after(self, number: int) -> tuple[list[Numbered], int]:
        """Return the stored exchanges after `number`, and how many exchanges after `number` were removed.

        Exchanges are removed to limit memory. The result also contains exchanges that `clear` has hidden.
        """
        first = self.last - len(self._stored) + 1
        missed = max(0, first - 1 - number)
        start = max(0, number + 1 - first)
        exchanges = [
            Numbered(first + index, self._stored[index]) for index in range(start, len(self._stored))
        ]
        return exchanges, missed

    async def wait(self, number: int, clearings: int = 0) -> None:
        """Wait for an exchange with a number greater than `number`, or for `clear`.

        The attribute `clearings` of the feed counts the calls of `clear`. The argument `clearings` is a count that the
        caller has read before. The method returns immediately if `clear` has been called since then.
        """
        if self.last > number or self.clearings > clearings:
            return
        changed = asyncio.Event()
        self._followers.add(changed)
        try:
            await changed.wait()
        finally:
            self._followers.discard(changed)
