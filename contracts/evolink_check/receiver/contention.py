"""Measure how much other programs slow down this process."""

from __future__ import annotations

import threading
from statistics import fmean
from typing import TYPE_CHECKING, Self

from evolink_check import clock

if TYPE_CHECKING:
    from types import TracebackType

# The receiver must not be blamed for delays that other programs cause.
MOST = 4.0
_WORK = 0.004  # seconds of processor time for each sample
_PAUSE = 0.1


class Contention:
    """Measures how much other programs slow down this process.

    The measurement runs during the `with` block. A thread repeats a short calculation. The duration of the calculation
    is divided by its processor time.
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
        """The slowdown compared with an idle machine, from 1 to `MOST`."""
        return min(MOST, max(1.0, fmean(self._samples or [1.0])))

    def _measure(self) -> None:
        while not self._ended.wait(_PAUSE):
            began, worked = clock.stopwatch(), clock.thread_seconds()
            while (spent := clock.thread_seconds() - worked) < _WORK:
                pass
            self._samples.append((clock.stopwatch() - began) / spent)
