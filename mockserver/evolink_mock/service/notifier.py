"""Wake the requests that wait for a change of an account."""

from __future__ import annotations

import asyncio


class Notifier:
    """Wakes the requests that wait for a change of an account."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def subscribe(self, token: str) -> asyncio.Event:
        """Return an event that is set at the next change of the account.

        To miss no change, subscribe before checking a condition.
        """
        return self._events.setdefault(token, asyncio.Event())

    def notify_all(self) -> None:
        """Wake all waiting requests."""
        events, self._events = self._events, {}
        for event in events.values():
            event.set()

    def notify(self, token: str) -> None:
        """Wake the requests that wait for a change of this account."""
        if self._events and (event := self._events.pop(token, None)) is not None:
            event.set()
