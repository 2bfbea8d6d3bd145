"""The time limit of a run grows with the delays of our own timers, up to a multiple."""

from __future__ import annotations

import pytest
from evolink_check.client.harness.time_limit import TimeLimit


def test_timers_in_time_leave_the_limit_as_it_is() -> None:
    limit = TimeLimit(10.0)
    for _ in range(100):
        limit.record(0.2, 0.2011)
    limit.record(0.2, 0.1)
    assert limit.delay == 0
    assert limit.left(0.0) == 10.0
    assert limit.left(10.5) == -0.5


def test_late_timers_extend_the_limit() -> None:
    limit = TimeLimit(10.0)
    limit.record(0.2, 0.702)
    assert limit.delay == pytest.approx(2.0)
    assert limit.left(10.0) == pytest.approx(2.0)


def test_a_fixed_limit_is_not_extended() -> None:
    limit = TimeLimit(10.0, is_fixed=True)
    limit.record(0.2, 0.702)
    assert limit.delay == pytest.approx(2.0)
    assert limit.left(10.0) == 0


def test_a_machine_that_stands_still_extends_the_limit_at_most_threefold() -> None:
    limit = TimeLimit(10.0)
    limit.record(0.2, 60.0)
    assert limit.delay > 200
    assert limit.left(29.0) == pytest.approx(1.0)
