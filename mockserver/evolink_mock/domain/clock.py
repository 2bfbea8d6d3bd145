"""The clocks of the server and of the accounts. All simulated and measured times come from this module."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE_SECONDS = 0.01


class Clock(Protocol):
    """A clock. The times of a clock are Unix seconds and never decrease."""

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Wait until `now()` has reached `instant`. Return immediately if `instant` is in the past."""
        ...


class SystemClock:
    """A clock that runs `scale` times as fast as real time.

    The first call of `now` starts the clock and returns `start`. If `start` is None, the clock starts at the current
    real time. Adjustments of the system's time do not affect this clock.
    """

    def __init__(self, start: float | None = None, scale: float = 1.0) -> None:
        self._start = start
        self._scale = scale
        self._anchor: float | None = None

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        # The start of the program does not count. A constant `start` therefore gives the same times in every run.
        if self._anchor is None:
            self._anchor = stopwatch()
            self._start = wall_time() if self._start is None else self._start
            return self._start
        return self._start + (stopwatch() - self._anchor) * self._scale  # type: ignore[operator]

    async def sleep_until(self, instant: float) -> None:
        """Wait until `now()` has reached `instant`."""
        # A loop, because asyncio measures time with another clock, and may wake this coroutine a little early.
        while (left := instant - self.now()) > 0:
            await sleep(left / self._scale)


class VirtualClock:
    """A clock that stands still until `advance` or `advance_to` is called."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`. Wake the calls of `sleep_until` that are due.

        Raises ValueError if `seconds` is negative.
        """
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Move the clock forward to `instant`. Wake the calls of `sleep_until` that are due.

        Raises ValueError if `instant` is in the past.
        """
        if not instant >= self._now:  # this form also refuses NaN
            raise ValueError(f"time does not run backwards: from {self._now} to {instant}")
        self._now = instant
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, instant: float) -> None:
        """Wait until the clock has been moved to `instant` or beyond."""
        while self._now < instant:
            await self._moved.wait()


def local_time() -> str:
    """Return the local time of day as `HH:MM:SS`, for a log line."""
    return time.strftime("%H:%M:%S")


def stopwatch() -> float:
    """Return a time in seconds from an arbitrary start, to measure durations.

    Test libraries such as freezegun do not affect this function.
    """
    return _FUNCTIONS["perf_counter"]()


async def sleep(seconds: float) -> None:
    """Wait for `seconds` of real time."""
    loop = asyncio.get_running_loop()  # not `asyncio.sleep`, which a test may have replaced to avoid waiting
    woken = loop.create_future()
    timer = loop.call_later(seconds, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class TimeSlice:
    """Pauses a long computation in a coroutine, and lets other coroutines run."""

    def __init__(self) -> None:
        self._began = stopwatch()

    async def give_way(self) -> None:
        """Let other coroutines run if this coroutine has run for at least 10 ms."""
        if stopwatch() - self._began >= _SLICE_SECONDS:
            await sleep(0)
            self._began = stopwatch()


def pause(seconds: float) -> None:
    """Block this thread for `seconds` of real time.

    If the thread runs an event loop, the loop is also blocked. `seconds` must then be a few milliseconds at most.
    """
    _FUNCTIONS["sleep"](seconds)


def wall_time() -> float:
    """Return the time of the system clock in Unix seconds.

    Test libraries such as freezegun and time-machine do not affect this function.
    """
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        instant: float = time_machine.escape_hatch.time.time()
        return instant
    return _FUNCTIONS["time"]()


def _real(name: str) -> Callable[..., float]:
    freezegun = sys.modules.get("freezegun.api")  # may have replaced the function already
    return getattr(freezegun, f"real_{name}", None) or getattr(time, name)  # type: ignore[no-any-return]


# A dictionary, because freezegun replaces the attributes of modules, but not the values of dictionaries.
_FUNCTIONS = {name: _real(name) for name in ("perf_counter", "sleep", "time")}
