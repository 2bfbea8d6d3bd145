"""Virtual time for a callable under test: its sleeps return at once, and the server's clock advances instead."""

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

_CHECK_INTERVAL = 0.5  # real seconds between two checks of whether a callable is busy
_CLOCKS = ("time", "monotonic", "perf_counter")
_monotonic = time.monotonic


class TimeLimitExceededError(BaseException):
    """The callable took too long. Not an `Exception`: a client must not mistake it for an error of the server."""


@dataclass(slots=True)
class TimeLimits:
    """The time limits of a callable. `advance` is called with the seconds of every sleep.

    It may sleep for `longest` seconds in total. It may also run for `busy` real seconds without a sleep: virtual time
    passes only during sleeps, so a longer loop would never end. `exceeded` is the limit that was exceeded, even if the
    callable caught the exception.
    """

    advance: Callable[[float], None]
    longest: float
    busy: float = 10.0
    slept: float = 0.0
    exceeded: Literal["", "slept", "busy"] = ""
    rested: float = field(default_factory=_monotonic)

    def sleep(self, seconds: float) -> None:
        """The replacement of `time.sleep`."""
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
        """Whether the callable has exceeded the limit `busy`, which is then recorded in `exceeded`."""
        if _monotonic() - self.rested > self.busy:
            self.exceeded = self.exceeded or "busy"
        return self.exceeded == "busy"


@contextmanager
def virtual_time(limits: TimeLimits) -> Iterator[None]:
    """Within the block `time.sleep` and `asyncio.sleep` return at once.

    `time.time`, `time.monotonic` and `time.perf_counter` advance by the length of the sleep. A sleep beyond the limit
    raises `TimeLimitExceededError`; a thread that entered the block and is busy for too long gets the error at any
    point. Functions that were imported by name before (`from time import sleep`) are not replaced, nor are waits on
    locks and events. Only one thread at a time may enter, because the whole
    process shares the replaced functions.
    """
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
    """Raise `TimeLimitExceededError` in this thread while it is busy for too long, until it leaves the block."""
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
        left = True  # first of all: otherwise the error could be raised in one of the next statements
        wake.set()
        watcher.join()  # no pending error is cleared: if there is none, Python 3.11 never returns from clearing it
