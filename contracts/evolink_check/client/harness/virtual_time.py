"""Virtual time for a callable under test. Sleeps return at once, and the server's clock advances instead."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHECK_INTERVAL = 0.5  # real seconds between two checks of a callable
_CLOCKS = ("time", "monotonic", "perf_counter")
_monotonic = time.monotonic


# Not an Exception, so that a client that catches Exception does not catch this error.
class TimeLimitExceededError(BaseException):
    """The callable exceeded a time limit."""


@dataclass(slots=True)
class TimeLimits:
    """The time limits of a callable, and the time that it has slept."""

    advance: Callable[[float], None]  # is called with the seconds of every sleep
    longest: float  # the maximum sum of all sleeps, in seconds
    # The maximum real seconds without a sleep, because a loop without a sleep would never reach `longest`.
    busy: float = 10.0
    slept: float = 0.0  # the seconds of all sleeps so far
    exceeded: Literal["", "slept", "busy"] = ""  # set even if the callable caught the exception
    rested: float = field(default_factory=_monotonic)  # the real monotonic time of the last sleep

    def sleep(self, seconds: float) -> None:
        """Advance virtual time instead of sleeping.

        Raises `TimeLimitExceededError` if all sleeps together exceed the limit.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.slept += seconds
        self.rested = _monotonic()
        if self.slept > self.longest:
            self.exceeded = self.exceeded or "slept"
            raise TimeLimitExceededError(f"still waiting after {self.longest:g} s")
        if seconds:
            self.advance(seconds)

    def is_busy(self) -> bool:
        """Return whether the callable has exceeded the limit `busy`.

        The result is also recorded in `exceeded`.
        """
        if _monotonic() - self.rested > self.busy:
            self.exceeded = self.exceeded or "busy"
        return self.exceeded == "busy"


@contextmanager
def virtual_time(limits: TimeLimits) -> Iterator[None]:
    """Let `time.sleep` and `asyncio.sleep` return at once until the `with` block ends.

    Each sleep advances `time.time`, `time.monotonic` and `time.perf_counter` by its length. If all sleeps together
    exceed `limits.longest`, the last sleep raises `TimeLimitExceededError`. The code in the block may run for
    `limits.busy` real seconds without a sleep. After that, `TimeLimitExceededError` is raised at the statement that
    this code is executing.

    `from time import sleep` before the block imports a `sleep` that is not replaced. Waits on locks and events are not
    shortened. One thread at a time may enter the block.
    """
    # These functions are replaced in the whole process.
    real = {name: getattr(time, name) for name in ("sleep", *_CLOCKS)}
    pause = asyncio.sleep

    async def asleep(delay: float, result: Any = None) -> Any:
        limits.sleep(max(0.0, delay))
        return await pause(0, result)

    def shifted(name: str) -> Callable[[], float]:
        return lambda: real[name]() + limits.slept

    try:
        time.sleep, asyncio.sleep = limits.sleep, asleep  # type: ignore[assignment]
        for name in _CLOCKS:
            setattr(time, name, shifted(name))
        with _watched(limits):
            yield
    finally:
        asyncio.sleep = pause
        for name, function in real.items():
            setattr(time, name, function)


@contextmanager
def _watched(limits: TimeLimits) -> Iterator[None]:
    left, wake = False, threading.Event()
    here = ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        while not wake.wait(_CHECK_INTERVAL):
            if limits.is_busy() and not left:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(TimeLimitExceededError))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left = True  # this comes first, because otherwise the error could be raised in the statements below
        wake.set()
        # A pending error is not cleared here. If none were pending, the call would never return in Python 3.11.
        watcher.join()
