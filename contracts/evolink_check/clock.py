"""The only place in this package that reads the system clock, or waits on it."""

from __future__ import annotations

import time


def now() -> float:
    """Unix seconds."""
    return time.time()


def stopwatch() -> float:
    """Seconds from an arbitrary start; for durations."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Let so many real seconds pass; none when negative."""
    time.sleep(max(0.0, seconds))
