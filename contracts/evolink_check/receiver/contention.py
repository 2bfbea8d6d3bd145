"""Measure how much other programs slow down this process, so that the receiver is not blamed for their delays."""

from __future__ import annotations

import threading
from statistics import fmean
from typing import TYPE_CHECKING, Self

from evolink_check import clock

if TYPE_CHECKING:
    from types import TracebackType

MOST = 4.0
_WORK = 0.004  # seconds of processor time for each sample
_PAUSE = 0.1


class Contention:
    """Measures, during its `with` block, how much other programs slow down this process.

    A thread repeats a short calculation. The measure is the duration of the calculation, divided by the processor time
    that the calculation uses.
    """

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._samples: list[float] = []
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def factor(self) -> float:
        """How many times slower this process runs than on an idle machine, from 1 to `MOST`."""
        return min(MOST, max(1.0, fmean(self._samples or [1.0])))

    def _measure(self) -> None:
        while not self._ended.wait(_PAUSE):
            began, worked = clock.stopwatch(), clock.thread_seconds()
            while (spent := clock.thread_seconds() - worked) < _WORK:
                pass
            self._samples.append((clock.stopwatch() - began) / spent)
