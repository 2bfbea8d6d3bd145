"""Virtual time for a callable under test: its sleeps return at once, and the server's clock advances by as much."""

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

_CHECK_INTERVAL = 0.5  # real seconds between two looks at whether a callable is busy
_CLOCKS = ("time", "monotonic", "perf_counter")
_monotonic = time.monotonic


class PatienceExceededError(BaseException):
    """The callable has slept for too long. Not an `Exception`: a client must not take it for an error of the server."""


@dataclass(slots=True)
class Patience:
    """How long a callable may take. `advance` is called with the seconds of every sleep.

    It may sleep for `longest` seconds in all, and be busy for `busy` real ones without a sleep: as only sleeps move
    its time, nothing would ever change for it. `spent` says which limit was reached, even if the callable has caught
    the exception.
    """

    advance: Callable[[float], None]
    longest: float
    busy: float = 10.0
    slept: float = 0.0
    spent: Literal["", "slept", "busy"] = ""
    rested: float = field(default_factory=_monotonic)

    def sleep(self, seconds: float) -> None:
        """What replaces `time.sleep`."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.slept += seconds
        self.rested = _monotonic()
        if self.slept > self.longest:
            self.spent = self.spent or "slept"
            raise PatienceExceededError(f"it still waits after {self.longest:g} s")
        if seconds:
            self.advance(seconds)

    def is_busy(self) -> bool:
        """Whether it has been busy for too long; then its patience is spent."""
        if _monotonic() - self.rested > self.busy:
            self.spent = self.spent or "busy"
        return self.spent == "busy"


@contextmanager
def virtual_time(patience: Patience) -> Iterator[None]:
    """Within the block `time.sleep` and `asyncio.sleep` return at once.

    `time.time`, `time.monotonic` and `time.perf_counter` advance by as much. When the patience is spent, the next
    sleep raises `PatienceExceededError`; without a sleep, it is raised in the thread that has entered the block,
    wherever that is. Functions that were imported by name before (`from time import sleep`) are not replaced, nor are
    waits on locks and events. Not for several threads at once: the functions are those of the whole process.
    """
    real = {name: getattr(time, name) for name in ("sleep", *_CLOCKS)}
    pause = asyncio.sleep

    async def asleep(delay: float, result: Any = None) -> Any:
        patience.sleep(max(0.0, delay))
        return await pause(0, result)

    def shifted(name: str) -> Callable[[], float]:
        return lambda: real[name]() + patience.slept

    try:
        time.sleep, asyncio.sleep = patience.sleep, asleep  # type: ignore[assignment]
        for name in _CLOCKS:
            setattr(time, name, shifted(name))
        with _watched(patience):
            yield
    finally:
        asyncio.sleep = pause
        for name, function in real.items():
            setattr(time, name, function)


@contextmanager
def _watched(patience: Patience) -> Iterator[None]:
    """Raise `PatienceExceededError` in this thread once it is busy, and again until it has left the block."""
    left, wake = False, threading.Event()
    here = ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        while not wake.wait(_CHECK_INTERVAL):
            if patience.is_busy() and not left:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(PatienceExceededError))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left = True  # first of all: the next statements may be where it is raised
        wake.set()
        watcher.join()  # nothing is cleared: Python 3.11 never returns from clearing what is not pending
