"""Time for a callable under test: its sleeps take none, and the server's clock moves as far as it slept."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class OutOfPatience(BaseException):
    """The callable has slept longer than anybody waits. No `Exception`: it must not be taken for a server's fault."""


@contextmanager
def virtual_time(advance: Callable[[float], None], longest: float) -> Iterator[None]:
    """Within the block `time.sleep` and `asyncio.sleep` return at once, after `advance(seconds)` was called.

    `time.time`, `time.monotonic` and `time.perf_counter` run on by as much. Once more than `longest` seconds
    were slept, a sleep raises `OutOfPatience`. What was imported by name before (`from time import sleep`)
    is not reached, nor are waits on locks and events. Not for several threads at once: the functions are those of
    the whole process.
    """
    slept = 0.0
    real = {name: getattr(time, name) for name in ("sleep", "time", "monotonic", "perf_counter")}
    pause = asyncio.sleep

    def sleep(seconds: float) -> None:
        nonlocal slept
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        slept += seconds
        if slept > longest:
            raise OutOfPatience(f"it still waits after {longest:g} s")
        if seconds:
            advance(seconds)

    async def asleep(delay: float, result: Any = None) -> Any:
        sleep(max(0.0, delay))
        return await pause(0, result)

    def shifted(name: str) -> Callable[[], float]:
        return lambda: real[name]() + slept

    try:
        time.sleep, asyncio.sleep = sleep, asleep  # type: ignore[assignment]
        for name in ("time", "monotonic", "perf_counter"):
            setattr(time, name, shifted(name))
        yield
    finally:
        asyncio.sleep = pause
        for name, function in real.items():
            setattr(time, name, function)
