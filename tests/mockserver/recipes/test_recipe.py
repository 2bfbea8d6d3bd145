"""The timetable and the anomalies of a task with a recipe."""

from __future__ import annotations

import math

import pytest
from evolink_mock.domain.tasks import Anomalies, Outcome, Phase, halfway, new_timetable, view
from evolink_mock.domain.units import Speed
from evolink_mock.recipes.recipe import DEFAULT_RECIPE, Recipe, anomalies_of, timetable_for_recipe
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import CREATED, DRAWS, OUTCOMES, SECONDS, SPEEDS, START


@given(CREATED, DRAWS, SPEEDS, OUTCOMES)
def test_a_recipe_without_a_time_changes_no_time(
    created: float, random: int, speed: Speed, outcome: Outcome
) -> None:
    assert timetable_for_recipe(Recipe(outcome=outcome), created, random, speed, created) == new_timetable(
        created, random, speed, outcome
    )


@given(CREATED, DRAWS, SPEEDS, SECONDS)
def test_a_slow_task_takes_the_given_time(created: float, random: int, speed: Speed, seconds: float) -> None:
    made = timetable_for_recipe(Recipe(seconds=seconds), created, random, speed, created)
    assert made == new_timetable(created, random, Speed(seconds, seconds))


@given(DRAWS, SPEEDS)
def test_a_slowdown_multiplies_the_duration(random: int, speed: Speed) -> None:
    made, usual = (
        timetable_for_recipe(Recipe(slowdown=10.0), 0, random, speed, 0),
        new_timetable(0, random, speed),
    )
    assert made.ends == pytest.approx(10 * usual.ends, abs=0.011)  # a drawn duration is in milliseconds


@given(CREATED, DRAWS, SPEEDS, OUTCOMES, st.floats(-1e6, 1e6))
def test_a_queued_task_begins_when_the_others_have_ended(
    created: float, random: int, speed: Speed, outcome: Outcome, later: float
) -> None:
    recipe = Recipe(queued=True, outcome=outcome)
    made, usual = (
        timetable_for_recipe(recipe, created, random, speed, created + later),
        new_timetable(created, random, speed, outcome),
    )
    assert made.created == created
    assert made.starts == pytest.approx(usual.starts + max(0.0, later), abs=1e-4)
    assert made.ends - made.starts == pytest.approx(usual.ends - usual.starts, abs=1e-4)
    assert created + made.estimate >= made.ends - 1e-4


@given(CREATED, DRAWS, SPEEDS)
def test_behind_a_stuck_task_a_queued_one_never_begins(created: float, random: int, speed: Speed) -> None:
    made = timetable_for_recipe(Recipe(queued=True), created, random, speed, math.inf)
    assert view(made, created + 1e9).phase is Phase.PENDING
    assert made.estimate == new_timetable(created, random, speed).estimate


@given(CREATED, DRAWS, SPEEDS, OUTCOMES, st.sampled_from([Phase.PENDING, Phase.PROCESSING]))
def test_a_stuck_task_stays_in_its_phase(
    created: float, random: int, speed: Speed, outcome: Outcome, phase: Phase
) -> None:
    made = timetable_for_recipe(Recipe(stuck=phase, outcome=outcome), created, random, speed, created)
    assert view(made, created).phase is Phase.PENDING
    assert view(made, created + 1e12).phase is phase
    assert halfway(made) == math.inf


def test_halfway_is_between_the_start_and_the_end() -> None:
    assert halfway(new_timetable(START, 0, Speed(10, 10))) == START + 5.5


def test_only_recipes_for_the_link_or_the_callback_make_anomalies() -> None:
    assert anomalies_of(DEFAULT_RECIPE) is anomalies_of(Recipe(402, cut=True)) is None
    assert anomalies_of(Recipe(link="404")) == Anomalies("404")
    assert anomalies_of(Recipe(callback="late", callback_delay=3.0)) == Anomalies("", "late", 3.0)
