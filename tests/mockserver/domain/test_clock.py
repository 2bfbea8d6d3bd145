"""Time that never falls, and can be held, moved and waited for."""

from __future__ import annotations

import asyncio
import re

import pytest
from evolink_mock.domain import clock
from evolink_mock.domain.clock import SystemClock, VirtualClock, local_time, stopwatch
from hypothesis import given
from hypothesis import strategies as st


class Machine:
    """The system's clocks, moved by hand. A sleep wakes a little early, as asyncio may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.today, self.monotonic = 1_700_000_000.0, 50.0
        self.slept: list[float] = []
        monkeypatch.setitem(clock._FUNCTIONS, "time", lambda: self.today)  # noqa: SLF001
        monkeypatch.setitem(clock._FUNCTIONS, "perf_counter", lambda: self.monotonic)  # noqa: SLF001
        monkeypatch.setattr(clock, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.monotonic += seconds * 0.75 if seconds > 0.1 else seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_the_system_clock_tells_today_s_time(machine: Machine) -> None:
    now = SystemClock()
    assert now.now() == machine.today
    machine.monotonic += 2.5
    assert now.now() == 1_700_000_002.5


def test_setting_the_system_s_clock_back_moves_nothing(machine: Machine) -> None:
    now = SystemClock()
    before = now.now()
    machine.today -= 3600
    assert now.now() == before


def test_a_clock_with_a_start_begins_there_when_it_is_first_read(machine: Machine) -> None:
    now = SystemClock(start=1000.0)
    machine.monotonic += 500
    assert now.now() == 1000.0
    machine.monotonic += 5
    assert now.now() == 1005.0


def test_a_scaled_clock_runs_so_many_times_as_fast(machine: Machine) -> None:
    now = SystemClock(start=0.0, scale=60.0)
    now.now()
    machine.monotonic += 2
    assert now.now() == 120.0


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_the_system_clock_sleeps_until_the_instant_although_it_is_woken_early(
    machine: Machine, scale: float
) -> None:
    now = SystemClock(start=0.0, scale=scale)
    asyncio.run(now.sleep_until(120.0))
    assert now.now() >= 120.0
    assert sum(machine.slept) == pytest.approx(120 / scale, rel=0.5)


def test_the_system_clock_does_not_sleep_until_a_past_instant(machine: Machine) -> None:
    now = SystemClock(start=10.0)
    asyncio.run(now.sleep_until(10.0))
    assert machine.slept == []


@given(st.lists(st.floats(0, 1e9)))
def test_a_virtual_clock_moves_only_when_it_is_advanced(steps: list[float]) -> None:
    now, expected = VirtualClock(0.0), 0.0
    for step in steps:
        now.advance(step)
        expected += step
        assert now.now() == expected


@pytest.mark.parametrize("seconds", [-1.0, -1e-9, float("nan")])
def test_time_does_not_run_backwards(seconds: float) -> None:
    now = VirtualClock(5.0)
    with pytest.raises(ValueError, match="backwards"):
        now.advance(seconds)
    assert now.now() == 5.0


async def _woken(advances: list[float]) -> list[tuple[float, float]]:
    """Who was woken when, of those who wait for 10, 20 and 30."""
    now = VirtualClock(0.0)
    woken: list[tuple[float, float]] = []

    async def wait(instant: float) -> None:
        await now.sleep_until(instant)
        woken.append((instant, now.now()))

    waiting = [asyncio.create_task(wait(instant)) for instant in (10.0, 20.0, 30.0)]
    for seconds in [0.0, *advances]:
        now.advance(seconds)
        for _ in range(3):
            await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    return woken


def test_a_waiter_is_woken_when_its_instant_is_reached_and_not_before() -> None:
    assert asyncio.run(_woken([9.0, 1.0, 9.0, 5.0])) == [(10.0, 10.0), (20.0, 24.0)]


def test_one_advance_wakes_all_waiters_whose_instant_it_passes() -> None:
    assert [instant for instant, _ in asyncio.run(_woken([100.0]))] == [10.0, 20.0, 30.0]


def test_sleeping_until_a_past_instant_returns_at_once() -> None:
    asyncio.run(VirtualClock(10.0).sleep_until(10.0))


def test_a_virtual_clock_may_be_made_outside_of_a_loop_and_used_in_two() -> None:
    now = VirtualClock(0.0)
    for _ in range(2):
        asyncio.run(now.sleep_until(0.0))
        now.advance(1.0)


def test_the_time_of_day_is_hours_minutes_and_seconds() -> None:
    assert re.fullmatch(r"[0-2]\d:[0-5]\d:[0-6]\d", local_time())


def test_the_stopwatch_never_falls() -> None:
    assert stopwatch() <= stopwatch()
