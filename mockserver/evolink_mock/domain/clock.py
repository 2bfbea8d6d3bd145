"""Clocks. Only this module reads the system clock; all other modules receive a `Clock`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """The time of a server or an account. Times are Unix seconds and never decrease."""

    def now(self) -> float:
        """Return the current time."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`; immediately if it already has."""
        ...


class SystemClock:
    """Real time, multiplied by `scale`. It begins at `start`, or at the present time.

    It follows the monotonic clock, so that progress never decreases when the system clock is adjusted. A clock with a
    `start` begins when it is first read, so that a script with a seed always sees the same times.
    """

    def __init__(self, start: float | None = None, scale: float = 1.0) -> None:
        self._start = start
        self._scale = scale
        self._anchor: float | None = None

    def now(self) -> float:
        """Return the current time."""
        if self._anchor is None:
            self._anchor = stopwatch()
            self._start = wall_time() if self._start is None else self._start
            return self._start
        return self._start + (stopwatch() - self._anchor) * self._scale  # type: ignore[operator]

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`."""
        # A loop, because asyncio uses another clock and may wake a little early.
        while (left := instant - self.now()) > 0:
            await sleep(left / self._scale)


class VirtualClock:
    """A clock that moves only when `advance` or `advance_to` is called."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return the current time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`, and wake the calls of `sleep_until` that have reached their time.

        Raises ValueError for a negative number.
        """
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Move forward to exactly this time, and wake the calls of `sleep_until` that have reached theirs.

        Raises ValueError for a time in the past.
        """
        if not instant >= self._now:  # this form also refuses NaN
            raise ValueError(f"time does not run backwards: from {self._now} to {instant}")
        self._now = instant
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: float) -> None:
        """Return when the clock has been moved to `instant` or beyond."""
        while self._now < instant:
            await self._moved.wait()


def local_time() -> str:
    """Return the time of day for a log line, as `HH:MM:SS`."""
    return time.strftime("%H:%M:%S")


def stopwatch() -> float:
    """Return seconds of real time, for measuring durations.

    Test libraries that replace the functions of `time` do not affect it.
    """
    return _FUNCTIONS["perf_counter"]()


async def sleep(seconds: float) -> None:
    """Wait for some seconds of real time, even if a test has replaced `asyncio.sleep` to make its client quick."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    timer = loop.call_later(seconds, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def pause(seconds: float) -> None:
    """Block this thread for some seconds of real time. In a thread with an event loop, use milliseconds at most."""
    _FUNCTIONS["sleep"](seconds)


def wall_time() -> float:
    """Return the Unix seconds of the system clock, even if freezegun or time-machine has replaced it."""
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        instant: float = time_machine.escape_hatch.time.time()
        return instant
    return _FUNCTIONS["time"]()


def _real(name: str) -> Callable[..., float]:
    """Return a function of `time`, even if freezegun replaced it before this module was imported."""
    freezegun = sys.modules.get("freezegun.api")
    return getattr(freezegun, f"real_{name}", None) or getattr(time, name)  # type: ignore[no-any-return]


# freezegun replaces the attributes of modules, but not the values of dictionaries.
_FUNCTIONS = {name: _real(name) for name in ("perf_counter", "sleep", "time")}
