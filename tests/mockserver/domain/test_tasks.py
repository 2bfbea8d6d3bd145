"""A timetable is legal whenever it is read, never goes back, and keeps the time it promised."""

from __future__ import annotations

import math
from statistics import median

import pytest
from evolink_mock.domain.clock import VirtualClock
from evolink_mock.domain.ids import fraction
from evolink_mock.domain.tasks import (
    LINK_SECONDS,
    SUCCESS,
    Outcome,
    Phase,
    Timetable,
    View,
    new_timetable,
    view,
)
from evolink_mock.domain.units import REALTIME, Speed
from hypothesis import assume, given
from hypothesis import strategies as st
from support.records.builders import (
    CREATED,
    DRAWS,
    FAILURE,
    FAILURES,
    OUTCOMES,
    SPEEDS,
    START,
    TIMETABLES,
    a_timetable,
    instants,
)

FINAL = {Phase.COMPLETED, Phase.FAILED}
STARTS = st.floats(0, 2e10) | st.just(math.inf)
STUCK = st.tuples(CREATED, STARTS, OUTCOMES).map(
    lambda when: Timetable(when[0], when[1], math.inf, 5, when[2])
)


def legal(seen: View) -> bool:
    allowed = {
        Phase.PENDING: range(1),
        Phase.PROCESSING: range(1, 100),
        Phase.COMPLETED: range(100, 101),
        Phase.FAILED: range(1),
    }
    return seen.progress in allowed[seen.phase]


@given(TIMETABLES, st.data())
def test_a_view_is_legal_at_every_instant(timetable: Timetable, data: st.DataObject) -> None:
    assert legal(view(timetable, data.draw(instants(timetable))))


@given(TIMETABLES, st.data())
def test_a_task_never_goes_back(timetable: Timetable, data: st.DataObject) -> None:
    earlier, later = (
        view(timetable, instant)
        for instant in sorted((data.draw(instants(timetable)), data.draw(instants(timetable))))
    )
    assert earlier.phase <= later.phase
    assert earlier.progress <= later.progress or later.phase is Phase.FAILED
    if earlier.phase in FINAL:
        assert earlier == later


@given(TIMETABLES, st.floats(0, 1e12))
def test_a_late_poll_sees_the_final_state(timetable: Timetable, late: float) -> None:
    assert view(timetable, timetable.ends + late).phase is (
        Phase.FAILED if timetable.outcome.failure else Phase.COMPLETED
    )


@given(CREATED, DRAWS, SPEEDS, OUTCOMES)
def test_a_new_task_is_pending(created: float, random: int, speed: Speed, outcome: Outcome) -> None:
    assert view(new_timetable(created, random, speed, outcome), created) == View(Phase.PENDING, 0)


@given(CREATED, DRAWS, SPEEDS, OUTCOMES)
def test_the_estimate_is_true(created: float, random: int, speed: Speed, outcome: Outcome) -> None:
    made = new_timetable(created, random, speed, outcome)
    assert made.estimate == math.ceil(speed.duration(random))
    assert view(made, created + made.estimate).phase in FINAL


@given(CREATED, DRAWS, SPEEDS)
def test_a_clock_advanced_by_the_duration_is_at_the_end(created: float, random: int, speed: Speed) -> None:
    clock = VirtualClock(created)
    clock.advance(speed.duration(random))
    assert view(new_timetable(created, random, speed), clock.now()) == View(Phase.COMPLETED, 100)


@given(CREATED, DRAWS, SPEEDS, FAILURES, st.data())
def test_a_failure_never_shows_more_than_it_reached(
    created: float, random: int, speed: Speed, outcome: Outcome, data: st.DataObject
) -> None:
    made = new_timetable(created, random, speed, outcome)
    assert view(made, data.draw(instants(made))).progress <= outcome.reach


@given(CREATED, DRAWS, SPEEDS, FAILURES)
def test_a_failure_comes_when_a_success_would_have_shown_its_progress(
    created: float, random: int, speed: Speed, outcome: Outcome
) -> None:
    assume(speed.duration(random) > 1)  # or the instants of a large clock lie too far apart to tell
    failed, completed = new_timetable(created, random, speed, outcome), new_timetable(created, random, speed)
    assert failed.starts == completed.starts < failed.ends <= completed.ends
    shown = view(completed, math.nextafter(failed.ends, -math.inf)).progress
    assert shown == pytest.approx(outcome.reach, abs=1)


@pytest.mark.parametrize("reach", [1, 2, 40, 99])
def test_all_progress_up_to_what_is_reached_is_shown(reach: int) -> None:
    made = a_timetable(seconds=1000.0, outcome=Outcome(FAILURE, reach))
    step = (made.ends - made.starts) / 500
    seen = [view(made, made.starts + step * number).progress for number in range(500)]
    assert sorted(set(seen)) == list(range(1, reach + 1))


@given(STUCK, st.floats(0, 1e15))
def test_a_task_without_an_end_is_stuck(timetable: Timetable, now: float) -> None:
    begun = now >= timetable.starts
    assert view(timetable, now) == (View(Phase.PROCESSING, 1) if begun else View(Phase.PENDING, 0))


def test_links_live_for_a_day_after_the_end() -> None:
    assert a_timetable(seconds=10.0).expires == START + 10 + LINK_SECONDS == START + 86_410


@given(DRAWS, SPEEDS)
def test_a_duration_lies_within_its_speed(random: int, speed: Speed) -> None:
    assert speed.shortest <= speed.duration(random) <= speed.longest


@given(DRAWS)
def test_real_time_is_eighty_to_two_hundred_and_fifty_seconds(random: int) -> None:
    assert 80 <= REALTIME.duration(random) <= 250


def test_real_time_is_spread_widely_with_short_durations_the_most_frequent() -> None:
    durations = [REALTIME.duration(random) for random in range(0, 36**8, 36**8 // 2000)]
    assert min(durations) < 82
    assert max(durations) > 245
    assert 130 < median(durations) < 150 < (80 + 250) / 2


@given(CREATED, DRAWS, SPEEDS, OUTCOMES)
def test_the_same_arguments_give_the_same_plan(
    created: float, random: int, speed: Speed, outcome: Outcome
) -> None:
    assert new_timetable(created, random, speed, outcome) == new_timetable(created, random, speed, outcome)


def test_the_durations_are_unrelated_to_the_order_of_the_ids() -> None:
    fractions = [fraction(random) for random in range(200)]
    assert fractions != sorted(fractions)
    assert SUCCESS.failure is None
