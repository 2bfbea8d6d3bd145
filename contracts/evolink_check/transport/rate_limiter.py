"""Decide when the next request may be sent.

The configured rate and the server's Retry-After headers decide.
"""

from __future__ import annotations

import threading


class RateLimiter:
    """Reserves a time slot for each request. Thread-safe.

    The slots are `1 / rate` seconds apart. If `rate` is None, there is no limit. An unused slot expires, which prevents
    bursts of requests. After a Retry-After, requests with the same API key wait. Times are in seconds, on a clock that
    the caller chooses.
    """

    def __init__(self, rate: float | None) -> None:
        self._apart = 1.0 / rate if rate else 0.0
        self._next = float("-inf")
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, key: str, now: float) -> float:
        """Reserve the next slot.

        Return how many seconds after `now` the request may be sent.
        """
        with self._lock:
            at = max(now, self._next)
            if self._apart:
                self._next = at + self._apart
            return max(at, self._held.get(key, at)) - now

    def back_off(self, key: str, until: float) -> None:
        """Delay requests with this API key until the time `until`."""
        with self._lock:
            self._held[key] = max(until, self._held.get(key, until))
