"""The clock of the checks: Unix time that never runs backwards."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check import clock
from support.records.trace_builders import Tracing, completed, processing

if TYPE_CHECKING:
    import pytest
    from evolink_check.traffic.trace import Entry

HOUR = 3600.0


def _at(entry: Entry, began: float, ended: float) -> Entry:
    return replace(entry, began=began, ended=ended)


def test_the_clock_tells_unix_time() -> None:
    assert abs(clock.now() - time.time()) < HOUR


def test_a_wall_clock_that_is_set_back_does_not_turn_the_order_round(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    trace = Tracing(at=clock.now())
    trace.create()
    for back, body in ((0.0, processing()), (HOUR, completed()), (2 * HOUR, completed())):
        monkeypatch.setattr(time, "time", lambda back=back: real() - back)
        trace.query(body, after=0.0, took=0.0)
        at = clock.now()
        trace.entries[-1] = _at(trace.entries[-1], at, clock.now())
    times = [entry.began for entry in trace.entries[1:]]
    assert times == sorted(times)
    assert "task.final" not in trace.accused()


def test_a_wall_clock_that_is_set_forward_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    own, real = clock._ForwardClock(), time.time  # noqa: SLF001  (one that no other test has moved)
    before = own.now()
    monkeypatch.setattr(time, "time", lambda: real() + HOUR)
    assert own.now() - before > HOUR - 1.0
