"""Read the requests and the bookings of a receiver during a check."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.receiver.records import ReceiverActivity

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.receiver.ledger import Ledger
    from evolink_check.receiver.mock_api import MockApi

_INTERVAL = 0.1  # seconds between two readings


class ActivityMonitor:
    """Reads what the receiver does.

    `activity` is the result of the latest call of `look`.
    """

    def __init__(self, api: MockApi, ledger: Ledger | None) -> None:
        self._api, self._ledger = api, ledger
        self._lock = asyncio.Lock()
        # The kinds of callbacks after which the receiver was too slow to query or book the task: `unconfirmed`
        # (callbacks that the receiver could not confirm at first) or `usual` (all others).
        self.missed: set[str] = set()
        self._looked = float("-inf")
        self.activity = ReceiverActivity(bookings=None if ledger is None else {})

    async def look(self, age: float = 0.0) -> ReceiverActivity:
        """Return the activity of the receiver so far.

        A result that is less than `age` seconds old is returned again. Raises `MockError` if the mock does not respond
        or refuses a request. Raises `LedgerError` if the ledger cannot be read.
        """
        async with self._lock:
            if clock.stopwatch() - self._looked < age:
                return self.activity
            requests = await self._api.requests()
            bookings = None if self._ledger is None else await asyncio.to_thread(self._ledger.bookings)
            self.activity = ReceiverActivity(requests, bookings, complete=self._api.complete)
            self._looked = clock.stopwatch()
            return self.activity

    async def until(self, condition: Callable[[ReceiverActivity], bool], seconds: float) -> bool:
        """Wait until the condition is true, for at most `seconds`.

        Returns whether the condition became true.
        """
        until = clock.stopwatch() + seconds
        while True:
            if condition(await self.look(_INTERVAL)):
                return True
            if clock.stopwatch() >= until:
                return condition(await self.look())
            await asyncio.sleep(_INTERVAL)
