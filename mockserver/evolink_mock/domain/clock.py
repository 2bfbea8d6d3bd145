"""Clocks. The only module that reads the system clock; all others are given a `Clock`."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The time of a server or an account. Instants are Unix seconds and never decrease."""

    def now(self) -> float:
        """The current instant."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`; at once when it already has."""
        ...


class SystemClock:
    """Real time, `scale` times as fast, from `start` or from today.

    It follows the monotonic clock, so that progress never decreases when the system clock is adjusted. With a
    `start` it begins there when it is first read, so that a seeded script sees the same times.
    """

    def __init__(self, start: float | None = None, scale: float = 1.0) -> None:
        self._start = start
        self._scale = scale
        self._anchor: float | None = None

    def now(self) -> float:
        """The current instant."""
        if self._anchor is None:
            self._anchor = time.monotonic()
            self._start = time.time() if self._start is None else self._start
            return self._start
        return self._start + (time.monotonic() - self._anchor) * self._scale  # type: ignore[operator]

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`."""
        # A loop, because asyncio may wake a little early, by a clock of its own.
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left / self._scale)


class VirtualClock:
    """A clock that moves only when it is advanced."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> float:
        """The current instant."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward and wake the waiters whose instant is reached. ValueError for a negative number."""
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Move forward to exactly this instant, and wake the waiters. ValueError when it is in the past."""
        if not instant >= self._now:  # true for NaN, too
            raise ValueError(f"time does not run backwards: from {self._now} to {instant}")
        self._now = instant
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: float) -> None:
        """Return when `advance` has brought `now()` to `instant`."""
        while self._now < instant:
            await self._moved.wait()


def local_time() -> str:
    """The time of day for a log line, `HH:MM:SS`."""
    return time.strftime("%H:%M:%S")


stopwatch = time.perf_counter  # seconds of real time, for durations
