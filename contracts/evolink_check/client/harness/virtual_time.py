"""Time for a callable under test: its sleeps take none, and the server's clock moves as far as it slept."""

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

_LOOK = 0.5  # real seconds between two looks whether a callable is busy
_CLOCKS = ("time", "monotonic", "perf_counter")
_monotonic = time.monotonic


class PatienceExceededError(BaseException):
    """The callable has slept longer than anybody waits. No `Exception`: it must not be taken for a server's fault."""


@dataclass(slots=True)
class Patience:
    """How long a callable is waited for. `advance` is called with every sleep.

    It may sleep for `longest` seconds, and be busy for `busy` real ones without a sleep: where time moves by sleeps
    only, nothing would ever change for it. `spent` tells which of them it was, also where somebody caught what is
    raised then.
    """

    advance: Callable[[float], None]
    longest: float
    busy: float = 10.0
    slept: float = 0.0
    spent: Literal["", "slept", "busy"] = ""
    rested: float = field(default_factory=_monotonic)

    def sleep(self, seconds: float) -> None:
        """In place of `time.sleep`."""
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
        """Whether it has not slept for so long; then its patience is spent."""
        if _monotonic() - self.rested > self.busy:
            self.spent = self.spent or "busy"
        return self.spent == "busy"


@contextmanager
def virtual_time(patience: Patience) -> Iterator[None]:
    """Within the block `time.sleep` and `asyncio.sleep` return at once.

    `time.time`, `time.monotonic` and `time.perf_counter` run on by as much. When its patience is spent, the next sleep
    raises `PatienceExceededError`; where there is none, the thread that has entered the block gets it wherever it is. What was
    imported by name before (`from time import sleep`) is not reached, nor are waits on locks and events. Not for
    several threads at once: the functions are those of the whole process.
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
    """Raises `PatienceExceededError` in this thread as soon as it is busy, and again until it has left the block."""
    left, wake = False, threading.Event()
    here = ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        while not wake.wait(_LOOK):
            if patience.is_busy() and not left:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(PatienceExceededError))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left = True  # before all else: what comes next may be where it is raised
        wake.set()
        watcher.join()  # nothing is cleared: a NULL for what is not pending has Python 3.11 look for it for ever
