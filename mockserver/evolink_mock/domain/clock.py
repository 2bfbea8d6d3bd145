"""Clocks. The only module that reads the system clock; all others receive a `Clock`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """The time of a server or an account. Instants are Unix seconds and never decrease."""

    def now(self) -> float:
        """The current instant."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`: at once if it already has."""
        ...


class SystemClock:
    """Real time, `scale` times as fast, from `start` or from today.

    It follows the monotonic clock, so that adjusting the system clock never decreases progress. With a `start`, the
    clock starts there when it is first read, so that a seeded script sees the same times.
    """

    def __init__(self, start: float | None = None, scale: float = 1.0) -> None:
        self._start = start
        self._scale = scale
        self._anchor: float | None = None

    def now(self) -> float:
        """The current instant."""
        if self._anchor is None:
            self._anchor = stopwatch()
            self._start = wall_time() if self._start is None else self._start
            return self._start
        return self._start + (stopwatch() - self._anchor) * self._scale  # type: ignore[operator]

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`."""
        # A loop, because asyncio follows another clock and may wake a little early.
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left / self._scale)


class VirtualClock:
    """A clock that moves only when `advance` or `set` moves it."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> float:
        """The current instant."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` and wake the waiters whose instant is reached. ValueError for a negative number."""
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Move forward to exactly this instant and wake its waiters. ValueError if the instant is in the past."""
        if not instant >= self._now:  # true for NaN, too
            raise ValueError(f"time does not run backwards: from {self._now} to {instant}")
        self._now = instant
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has been moved to `instant`."""
        while self._now < instant:
            await self._moved.wait()


def local_time() -> str:
    """The time of day for a log line, `HH:MM:SS`."""
    return time.strftime("%H:%M:%S")


def stopwatch() -> float:
    """Seconds of real time, for durations, even if a test has replaced the functions of `time`."""
    return _FUNCTIONS["perf_counter"]()


def pause(seconds: float) -> None:
    """Block this thread for some seconds of real time, at most milliseconds where an event loop runs."""
    _FUNCTIONS["sleep"](seconds)


def wall_time() -> float:
    """Unix seconds of the system clock, even if freezegun or time-machine has replaced it."""
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        instant: float = time_machine.escape_hatch.time.time()
        return instant
    return _FUNCTIONS["time"]()


def _real(name: str) -> Callable[..., float]:
    """A function of `time`, even if freezegun replaced it before this module was imported."""
    freezegun = sys.modules.get("freezegun.api")
    return getattr(freezegun, f"real_{name}", None) or getattr(time, name)  # type: ignore[no-any-return]


# freezegun replaces the attributes of modules, but not the values of dictionaries.
_FUNCTIONS = {name: _real(name) for name in ("perf_counter", "sleep", "time")}
