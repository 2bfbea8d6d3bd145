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
    """A clock, whose times are Unix seconds and never decrease."""

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        ...

    async def sleep_until(self, instant: float) -> None:
        """Wait until `now()` has reached `instant`. Return immediately if `instant` is in the past."""
        ...


class SystemClock:
    """A clock that runs `scale` times as fast as real time.

    The first call of `now` starts the clock and returns `start`. The time that a program needs before this call does
    not count, so a program with a constant `start` begins at the same simulated time whenever it is run. If `start` is
    None, the clock starts at the current real time. Adjustments of the system's time do not affect this clock.
    """

    def __init__(self, start: float | None = None, scale: float = 1.0) -> None:
        self._start = start
        self._scale = scale
        self._anchor: float | None = None

    def now(self) -> float:
        """Return the current time in Unix seconds."""
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
    """A clock that moves only when `advance` or `advance_to` is called."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, and end the calls of `sleep_until` whose time is reached.

        Raises ValueError if `seconds` is negative.
        """
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Move the clock forward to `instant`, and end the calls of `sleep_until` whose time is reached.

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

    Libraries that replace the functions of the module `time` in tests (such as freezegun) do not affect this function.
    """
    return _FUNCTIONS["perf_counter"]()


async def sleep(seconds: float) -> None:
    """Wait for `seconds` of real time, even if a test has replaced `asyncio.sleep` to avoid waiting."""
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


class TimeSlice:
    """Interrupts a long computation in a coroutine, so that the event loop can run other coroutines."""

    def __init__(self) -> None:
        self._began = stopwatch()

    async def give_way(self) -> None:
        """Let other coroutines run if this coroutine has run for 10 ms or longer without interruption."""
        if stopwatch() - self._began >= _SLICE_SECONDS:
            await sleep(0)
            self._began = stopwatch()


def pause(seconds: float) -> None:
    """Block this thread for `seconds` of real time.

    In a thread that runs an event loop, pass a few milliseconds at most, because the loop is blocked meanwhile.
    """
    _FUNCTIONS["sleep"](seconds)


def wall_time() -> float:
    """Return the time of the system clock in Unix seconds, even if freezegun or time-machine simulates another time."""
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        instant: float = time_machine.escape_hatch.time.time()
        return instant
    return _FUNCTIONS["time"]()


def _real(name: str) -> Callable[..., float]:
    """Return Python's own function `name` of the module `time`, even if freezegun has already replaced it."""
    freezegun = sys.modules.get("freezegun.api")
    return getattr(freezegun, f"real_{name}", None) or getattr(time, name)  # type: ignore[no-any-return]


# A dictionary, because freezegun replaces the attributes of modules, but not the values of dictionaries.
_FUNCTIONS = {name: _real(name) for name in ("perf_counter", "sleep", "time")}
