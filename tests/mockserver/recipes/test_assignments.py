"""Recipes assigned to an account: which requests take them, and for how long."""

from __future__ import annotations

import json

import pytest
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import assignments
from evolink_mock.recipes.effects import OPERATIONS
from evolink_mock.recipes.grammar import LONGEST, canonical, parse_recipe
from evolink_mock.recipes.recipe import DEFAULT_RECIPE, Recipe
from evolink_mock.recipes.registry import RecipeRegistry
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import SPEC, an_account

REGISTRY = RecipeRegistry({402, 404, 429, 500}, SPEC.failures)


def status(recipe: Recipe | None) -> int | None:
    return None if recipe is None else recipe.status


def test_a_new_account_has_no_assigned_recipe() -> None:
    account = an_account()
    assert account.assigned is None
    assert assignments.list_assigned(account) == []
    assert assignments.next_for(account, REGISTRY, "create") is None


def test_a_permanent_recipe_applies_until_it_is_replaced_or_cleared() -> None:
    account = an_account()
    assert assignments.assign(account, REGISTRY, "402", times=None, operation="create") is None
    assert [status(assignments.next_for(account, REGISTRY, "create")) for _ in range(3)] == [402] * 3
    assignments.assign(account, REGISTRY, "500", times=None, operation="create")
    assert assignments.list_assigned(account) == [{"recipe": "500", "operation": "create", "left": None}]
    assert status(assignments.next_for(account, REGISTRY, "create")) == 500
    assignments.clear(account)
    assert account.assigned is None
    assert assignments.next_for(account, REGISTRY, "create") is None


@given(st.integers(1, 20))
def test_a_counted_recipe_is_removed_after_its_last_request(times: int) -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "402", times=times, operation="create")
    assert assignments.list_assigned(account) == [{"recipe": "402", "operation": "create", "left": times}]
    assert [status(assignments.next_for(account, REGISTRY, "create")) for _ in range(times)] == [402] * times
    assert assignments.next_for(account, REGISTRY, "create") is None
    assert account.assigned is None


@pytest.mark.parametrize("times", [None, 1, 7])
def test_the_length_of_a_sequence_overrides_times(times: int | None) -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "429*2, ok, 500", times=times)
    assert assignments.list_assigned(account)[0]["left"] == 4
    taken = [assignments.next_for(account, REGISTRY, "create") for _ in range(5)]
    assert [status(recipe) for recipe in taken] == [429, 429, None, 500, None]
    assert (taken[2], taken[4]) == (DEFAULT_RECIPE, None)


def test_a_recipe_of_the_greatest_length_is_found_again_by_its_canonical_spelling() -> None:
    account, text = an_account(), "429," * 49 + "ok"
    assert len(text) <= LONGEST < len(canonical(parse_recipe(text)))
    assert assignments.assign(account, REGISTRY, text, times=None) is None
    statuses = [status(assignments.next_for(account, REGISTRY, "create")) for _ in range(50)]
    assert statuses == [429] * 49 + [None]
    assert account.assigned is None


def test_counted_recipes_precede_permanent_ones_and_those_for_the_operation_those_for_any() -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "500", times=None)
    assignments.assign(account, REGISTRY, "402", times=None, operation="create")
    assignments.assign(account, REGISTRY, "429", times=1)
    assignments.assign(account, REGISTRY, "404", times=1)
    assert [status(assignments.next_for(account, REGISTRY, "create")) for _ in range(4)] == [
        429,
        404,
        402,
        402,
    ]
    assert status(assignments.next_for(account, REGISTRY, "query")) == 500


def test_a_recipe_waits_for_a_request_that_it_can_affect() -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "fail=service_error", times=1)
    assert [
        assignments.next_for(account, REGISTRY, operation) for operation in ("query", "media", "credits")
    ] == [None] * 3
    recipe = assignments.next_for(account, REGISTRY, "create")
    assert recipe is not None
    assert recipe.outcome.failure is not None
    assignments.assign(account, REGISTRY, "404", times=1)
    assert assignments.next_for(account, REGISTRY, "create", {402, 500}) is None
    assert status(assignments.next_for(account, REGISTRY, "query", {404})) == 404


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_recipe_for_an_operation_is_not_taken_by_another(operation: str) -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "drop", times=None, operation=operation)
    assert [name for name in OPERATIONS if assignments.next_for(account, REGISTRY, name)] == [operation]


def test_credits_are_set_once_each_time_a_recipe_is_assigned() -> None:
    account = an_account()
    for _ in range(2):
        assignments.assign(account, REGISTRY, "credits=3", times=None)
        first, second = (
            assignments.next_for(account, REGISTRY, "create"),
            assignments.next_for(account, REGISTRY, "query"),
        )
        assert first is not None
        assert second is not None
        assert (first.credits, second.credits) == (3, None)


def test_a_later_step_sets_credits_when_it_is_reached() -> None:
    account = an_account()
    assignments.assign(account, REGISTRY, "ok*2, credits=0*2", times=None)
    taken = [assignments.next_for(account, REGISTRY, "create") for _ in range(4)]
    assert [recipe and recipe.credits for recipe in taken] == [None, None, 0, None]


@pytest.mark.parametrize(
    ("text", "times", "operation", "why"),
    [
        ("42", None, "any", "unknown recipe '42'; the nearest are "),
        ("402", 0, "any", "times: 0 is less than 1"),
        ("402", None, "creat", "operation: unknown operation 'creat' (did you mean create?)"),
        (
            "402",
            None,
            "",
            "operation: unknown operation ''; the operations are create, query, media, credits, any",
        ),
    ],
)
def test_an_invalid_assignment_is_refused_and_changes_nothing(
    text: str, times: int | None, operation: str, why: str
) -> None:
    account = an_account()
    fault = assignments.assign(account, REGISTRY, text, times=times, operation=operation)
    assert isinstance(fault, ApiError)
    assert fault.status == 400
    assert why in fault.detail
    assert account.assigned is None


def test_assigned_recipes_and_sequences_have_a_limit() -> None:
    account = an_account()
    for _ in range(1000):
        assert assignments.assign(account, REGISTRY, "402", times=1) is None
    assert assignments.assign(account, REGISTRY, "402", times=1) is not None
    for number in range(1, 1500):
        sequence = REGISTRY.find(f"429, ok*{number}")
        assert not isinstance(sequence, ApiError)
        assert assignments.step_of(account, "create", sequence).status == 429
    assert account.turns is not None
    assert len(account.turns) == 1000


def test_the_most_recently_used_sequences_of_an_account_are_kept() -> None:
    account = an_account()
    first = REGISTRY.find("429*2")
    assert not isinstance(first, ApiError)
    assignments.step_of(account, "create", first)
    for number in range(1, 1000):
        sequence = REGISTRY.find(f"429, ok*{number}")
        assert not isinstance(sequence, ApiError)
        assignments.step_of(account, "create", sequence)
    assert [assignments.step_of(account, "create", first).status for _ in range(2)] == [429, None]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["402", "429*2, ok", "drop", "slow"]),
            st.none() | st.integers(1, 3),
            st.sampled_from([*OPERATIONS, "any"]),
        ),
        max_size=8,
    ),
    st.lists(st.sampled_from(OPERATIONS), max_size=20),
)
def test_assigned_recipes_are_json_and_their_count_only_decreases(
    assigned: list[tuple[str, int | None, str]], operations: list[str]
) -> None:
    account = an_account()
    for text, times, operation in assigned:
        assert assignments.assign(account, REGISTRY, text, times=times, operation=operation) is None
    left = [entry["left"] for entry in assignments.list_assigned(account)]
    for operation in operations:
        recipe = assignments.next_for(account, REGISTRY, operation)
        now = [entry["left"] for entry in json.loads(json.dumps(assignments.list_assigned(account)))]
        assert sum(count or 0 for count in now) == sum(count or 0 for count in left) - (
            1 if recipe is not None and now != left else 0
        )
        left = now
    permanent = [entry["operation"] for entry in assignments.list_assigned(account) if entry["left"] is None]
    assert len(permanent) == len(set(permanent))
