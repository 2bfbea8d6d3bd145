"""The plan and the anomalies of a task with a recipe."""

from __future__ import annotations

import math

import pytest
from evolink_mock.domain.tasks import Anomalies, Outcome, Phase, halfway, plan, view
from evolink_mock.domain.units import Speed
from evolink_mock.recipes.recipe import DEFAULT_RECIPE, Recipe, anomalies_of, plan_for_recipe
from hypothesis import given
from hypothesis import strategies as st
from support.builders import CREATED, DRAWS, OUTCOMES, SECONDS, SPEEDS, START


@given(CREATED, DRAWS, SPEEDS, OUTCOMES)
def test_a_recipe_without_a_time_changes_no_time(
    created: float, draw: int, speed: Speed, outcome: Outcome
) -> None:
    assert plan_for_recipe(Recipe(outcome=outcome), created, draw, speed, created) == plan(
        created, draw, speed, outcome
    )


@given(CREATED, DRAWS, SPEEDS, SECONDS)
def test_a_slow_task_takes_the_given_time(created: float, draw: int, speed: Speed, seconds: float) -> None:
    made = plan_for_recipe(Recipe(seconds=seconds), created, draw, speed, created)
    assert made == plan(created, draw, Speed(seconds, seconds))


@given(DRAWS, SPEEDS)
def test_a_slowdown_multiplies_the_duration(draw: int, speed: Speed) -> None:
    made, usual = plan_for_recipe(Recipe(slowdown=10.0), 0, draw, speed, 0), plan(0, draw, speed)
    assert made.ends == pytest.approx(10 * usual.ends, abs=0.011)  # a drawn duration is in milliseconds


@given(CREATED, DRAWS, SPEEDS, OUTCOMES, st.floats(-1e6, 1e6))
def test_a_queued_task_begins_when_the_others_have_ended(
    created: float, draw: int, speed: Speed, outcome: Outcome, later: float
) -> None:
    recipe = Recipe(queued=True, outcome=outcome)
    made, usual = (
        plan_for_recipe(recipe, created, draw, speed, created + later),
        plan(created, draw, speed, outcome),
    )
    assert made.created == created
    assert made.starts == pytest.approx(usual.starts + max(0.0, later), abs=1e-4)
    assert made.ends - made.starts == pytest.approx(usual.ends - usual.starts, abs=1e-4)
    assert created + made.estimate >= made.ends - 1e-4


@given(CREATED, DRAWS, SPEEDS)
def test_behind_a_stuck_task_a_queued_one_never_begins(created: float, draw: int, speed: Speed) -> None:
    made = plan_for_recipe(Recipe(queued=True), created, draw, speed, math.inf)
    assert view(made, created + 1e9).phase is Phase.PENDING
    assert made.estimate == plan(created, draw, speed).estimate


@given(CREATED, DRAWS, SPEEDS, OUTCOMES, st.sampled_from([Phase.PENDING, Phase.PROCESSING]))
def test_a_stuck_task_stays_in_its_phase(
    created: float, draw: int, speed: Speed, outcome: Outcome, phase: Phase
) -> None:
    made = plan_for_recipe(Recipe(stuck=phase, outcome=outcome), created, draw, speed, created)
    assert view(made, created).phase is Phase.PENDING
    assert view(made, created + 1e12).phase is phase
    assert halfway(made) == math.inf


def test_halfway_is_between_the_start_and_the_end() -> None:
    assert halfway(plan(START, 0, Speed(10, 10))) == START + 5.5


def test_only_recipes_for_the_link_or_the_callback_make_anomalies() -> None:
    assert anomalies_of(DEFAULT_RECIPE) is anomalies_of(Recipe(402, cut=True)) is None
    assert anomalies_of(Recipe(link="404")) == Anomalies("404")
    assert anomalies_of(Recipe(callback="late", callback_delay=3.0)) == Anomalies("", "late", 3.0)
