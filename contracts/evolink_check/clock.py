"""The clock of this package. No other module reads the system clock or sleeps."""

from __future__ import annotations

import threading
import time


class _ForwardClock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = float("-inf")  # seconds from the monotonic clock to the system clock

    def now(self) -> float:
        with self._lock:
            monotonic = time.monotonic()
            # If the system clock is set back, exchanges must stay in order.
            self._offset = max(self._offset, time.time() - monotonic)
            return monotonic + self._offset


_CLOCK = _ForwardClock()


def now() -> float:
    """Return the current time in Unix seconds.

    If the system clock is set back, the result does not go back. The result then runs ahead of the system clock.
    """
    return _CLOCK.now()


def stopwatch() -> float:
    """Return the seconds since an arbitrary moment, to measure durations."""
    return time.monotonic()


def thread_seconds() -> float:
    """Return the seconds of processor time that this thread has used."""
    return time.thread_time()


def wait(seconds: float) -> None:
    """Sleep for `seconds` real seconds. Return at once if `seconds` is negative."""
    time.sleep(max(0.0, seconds))
