"""Wake the requests that wait for a change of an account."""

from __future__ import annotations

import asyncio


class Notifier:
    """Wakes waiting requests when an account changes. Without waiting requests, a notification takes almost no time."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def subscribe(self, token: str) -> asyncio.Event:
        """Return the event that is set by the next change of an account.

        A caller that checks the account must subscribe first, so that it misses no change.
        """
        return self._events.setdefault(token, asyncio.Event())

    def notify_all(self) -> None:
        """Wake all waiting requests."""
        events, self._events = self._events, {}
        for event in events.values():
            event.set()

    def notify(self, token: str) -> None:
        """Wake the requests that wait for a change of one account."""
        if self._events and (event := self._events.pop(token, None)) is not None:
            event.set()
