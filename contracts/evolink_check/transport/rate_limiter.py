"""When the next request may go: a rate of our own, and the waits that a server asked for. Times are arguments."""

from __future__ import annotations

import threading


class RateLimiter:
    """Slots in time, `1 / rate` seconds apart, given out in the order of asking; and holds, by the key that was held.

    No bursts: what was not used is gone. `rate` None: no limit. Thread-safe.
    """

    def __init__(self, rate: float | None) -> None:
        self._apart = 1.0 / rate if rate else 0.0
        self._next = float("-inf")
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, key: str, now: float) -> float:
        """Take the next slot: how many seconds after `now` a request with this key may go."""
        with self._lock:
            at = max(now, self._next)
            if self._apart:
                self._next = at + self._apart
            return max(at, self._held.get(key, at)) - now

    def back_off(self, key: str, until: float) -> None:
        """Requests with this key go no earlier than that."""
        with self._lock:
            self._held[key] = max(until, self._held.get(key, until))
