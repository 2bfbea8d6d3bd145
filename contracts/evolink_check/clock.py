"""The only place in this package that reads the system clock, or waits on it."""

from __future__ import annotations

import threading
import time


class _ForwardClock:
    """Unix seconds that never run backwards: the order of exchanges must not depend on a clock that is set back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = float("-inf")  # between the wall clock and the monotonic one

    def now(self) -> float:
        with self._lock:
            monotonic = time.monotonic()
            self._offset = max(self._offset, time.time() - monotonic)
            return monotonic + self._offset


_CLOCK = _ForwardClock()


def now() -> float:
    """Unix seconds. A wall clock that is set forward is followed, one that is set back is not."""
    return _CLOCK.now()


def stopwatch() -> float:
    """Seconds from an arbitrary start; for durations."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Let so many real seconds pass; none when negative."""
    time.sleep(max(0.0, seconds))
