"""Wake the requests that wait for an account to change."""

from __future__ import annotations

import asyncio


class Notifier:
    """Notifies waiters when an account changes. Cheap without waiters."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def subscribe(self, token: str) -> asyncio.Event:
        """The event that the next change of an account sets. Subscribe before checking, so that no change is missed."""
        return self._events.setdefault(token, asyncio.Event())

    def notify_all(self) -> None:
        """Wake everything that waits."""
        events, self._events = self._events, {}
        for event in events.values():
            event.set()

    def notify(self, token: str) -> None:
        """Wake everything that waits for a change of an account."""
        if self._events and (event := self._events.pop(token, None)) is not None:
            event.set()
