"""The time limit of a run.

On a busy machine, the programs delay each other. The limit of a client is then extended. The delay is estimated from
how late the timers of this program are.
"""

from __future__ import annotations

_MOST = 3.0  # the maximum factor by which a limit grows
_USUAL = 0.002  # seconds by which a timer is late on an idle machine
# A busy machine delays the calculations of a client more than our timers. With three programs for each core, timers
# of 0.1 s are late by 5 %, but a calculation takes six times as long. Most clients calculate for less than a second.
_WEIGHT = 4.0


class TimeLimit:
    """A limit in seconds.

    The limit grows by `delay`, to at most `_MOST` times `seconds`. If `is_fixed` is true, the limit does not grow.
    """

    def __init__(self, seconds: float, *, is_fixed: bool = False) -> None:
        self._seconds = seconds
        self._most = seconds * (1.0 if is_fixed else _MOST)
        self.delay = 0.0  # the estimated seconds by which other programs have delayed the client

    def record(self, planned: float, taken: float) -> None:
        """Record that a timer of this program took `taken` seconds instead of `planned` seconds."""
        self.delay += _WEIGHT * max(0.0, taken - planned - _USUAL)

    def left(self, elapsed: float) -> float:
        """Return how many seconds of the limit are left, `elapsed` seconds after the start."""
        return min(self._seconds + self.delay, self._most) - elapsed
