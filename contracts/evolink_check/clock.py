"""The only module of this package that reads the system clock or sleeps."""

from __future__ import annotations

import threading
import time


class _ForwardClock:
    """Unix seconds that never decrease: setting the system clock back must not change the order of exchanges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = float("-inf")  # seconds from the monotonic clock to the system clock

    def now(self) -> float:
        with self._lock:
            monotonic = time.monotonic()
            self._offset = max(self._offset, time.time() - monotonic)
            return monotonic + self._offset


_CLOCK = _ForwardClock()


def now() -> float:
    """Unix seconds, which follow the system clock only when it is set forward."""
    return _CLOCK.now()


def stopwatch() -> float:
    """Seconds since an arbitrary start, for measuring durations."""
    return time.monotonic()


def thread_seconds() -> float:
    """Seconds of processor time that this thread has used."""
    return time.thread_time()


def wait(seconds: float) -> None:
    """Sleep for so many real seconds; not at all when negative."""
    time.sleep(max(0.0, seconds))
