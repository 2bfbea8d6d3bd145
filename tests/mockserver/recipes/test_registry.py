"""From the text of a recipe to its effects; whatever is not a recipe is refused with the nearest names."""

from __future__ import annotations

import pytest
from evolink_mock.domain.tasks import SUCCESS
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.recipe import DEFAULT_RECIPE, NO_RECIPE, Recipe, RecipeSequence
from evolink_mock.recipes.registry import RecipeRegistry
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import SPEC

REGISTRY = RecipeRegistry({402, 429, 500}, SPEC.failures)
CODES = tuple(failure.code for failure in SPEC.failures)


def refusal(result: RecipeSequence | ApiError) -> str:
    assert isinstance(result, ApiError)
    assert (result.status, result.param) == (400, "")
    return result.detail


def only(result: RecipeSequence | ApiError) -> Recipe:
    """The recipe of a text with a single one."""
    assert isinstance(result, RecipeSequence)
    assert result.is_constant
    return result.at(0)


def status(result: RecipeSequence | ApiError) -> int | None:
    """The status that a recipe asks for, None when it asks for nothing."""
    recipe = only(result)
    assert recipe.outcome is SUCCESS
    return recipe.status


def test_every_recipe_has_a_name_that_finds_it() -> None:
    assert REGISTRY.names[:16] == ("402", "429", "500", *(f"fail={code}" for code in CODES))
    assert len(CODES) == 13
    assert len(set(REGISTRY.names)) == len(REGISTRY.names)
    assert all(isinstance(REGISTRY.find(name), RecipeSequence) for name in REGISTRY.names)


@pytest.mark.parametrize("number", [402, 429, 500])
def test_a_status_is_asked_for_by_its_number(number: int) -> None:
    assert status(REGISTRY.find(str(number))) == number


@pytest.mark.parametrize("code", CODES)
def test_a_failure_is_asked_for_by_its_code_and_comes_at_the_last_moment(code: str) -> None:
    recipe = only(REGISTRY.find(f"fail={code}"))
    assert recipe.outcome.failure is not None
    assert (recipe.status, recipe.outcome.failure.code, recipe.outcome.reach) == (None, code, 99)


@given(st.integers(0, 99), st.booleans())
def test_a_failure_takes_the_progress_at_which_it_comes(progress: int, sign: bool) -> None:  # noqa: FBT001
    recipe = only(REGISTRY.find(f"fail=service_error@{progress}{'%' if sign else ''}"))
    assert recipe.outcome.reach == max(1, progress)


def test_200_and_ok_are_the_default_recipe() -> None:
    for text in ("200", "ok"):
        assert only(REGISTRY.find(text)) is DEFAULT_RECIPE is not NO_RECIPE


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("fail=generation_timout", "fail=generation_timeout"),
        ("generation_timeout", "fail=generation_timeout"),
        ("fail=service_error@100", "fail=service_error"),
        ("fail=service_error@-1", "fail=service_error"),
        ("403", "402"),
        ("4o2", "402"),
        ("", "402"),
        ("latncy=1ms", "latency=1ms"),
        ("402, stuck=proccessing", "stuck=processing"),
        ("STATUS", "402"),
        ("fial", "fail=CODE"),
        ("Fail", "fail=CODE"),
        ("latenci", "latency=TIME"),
    ],
)
def test_an_unknown_recipe_is_refused_with_the_nearest_names(text: str, nearest: str) -> None:
    message = refusal(REGISTRY.find(text))
    assert message.startswith(f"unknown recipe {text!r}")
    assert "; the nearest are " in message
    names = message.rpartition(" are ")[2].split(", ")
    assert nearest in names
    assert len(set(names)) == len(names)


@given(st.text(max_size=20))
def test_any_text_is_a_recipe_or_refused(text: str) -> None:
    assert isinstance(REGISTRY.find(text), RecipeSequence | ApiError)


def test_a_long_unknown_recipe_is_cut() -> None:
    assert len(refusal(REGISTRY.find("x" * 50_000))) < 300


def test_without_any_recipe_each_one_is_unknown() -> None:
    assert refusal(RecipeRegistry((), ()).find("402")).startswith("unknown recipe '402'")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("402+429", "429 contradicts an effect before it"),
        ("slow+slow=3s", "an effect is named twice"),
        ("drop=1", "drop takes no value"),
        ("402=1", "402 takes no value"),
        ("fail=service_error/nudity", "service_error has no kinds"),
        (
            "fail=content_policy_violation/rude",
            "the kinds of content_policy_violation are photorealistic-people, celeb",
        ),
        ("429=soon", "write 5s, 500ms, 2m or 1h"),
        ("402@3", "only fail and cancel take @PROGRESS"),
        ("fail", "fail takes a code"),
        ("slow=3parsecs", "write 5s, 500ms, 2m or 1h"),
        ("latency=3s..1s", "ends before it begins"),
        ("callback=late", "callback takes one of"),
        ("shape=round", "shape takes one of minimal, full, extra, any"),
        ("credits=many", "credits takes a number"),
        ("rate=30", "write 30/minute"),
        ("status", "status takes a word"),
        ("type=html", "type takes a media type"),
        ("429*0", "a step is repeated 1 to 1000000 times"),
        ("4" * 201, "more than 200 characters"),
    ],
)
def test_a_mistake_in_a_known_recipe_is_explained(text: str, why: str) -> None:
    assert why in refusal(REGISTRY.find(text))


@pytest.mark.parametrize("kind", dict(next(failure for failure in SPEC.failures if failure.kinds).kinds))
def test_a_failure_of_a_kind_has_the_message_of_that_kind(kind: str) -> None:
    outcome = only(REGISTRY.find(f"fail=content_policy_violation/{kind}@40")).outcome
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.reach) == ("content_policy_violation", 40)
    usual = only(REGISTRY.find("fail=content_policy_violation")).outcome.failure
    assert usual is not None
    assert (outcome.failure.message == usual.message) is (kind == "general")


def test_a_429_may_say_how_long_to_wait() -> None:
    sequence = REGISTRY.find("429=5s*2, 429, ok")
    assert isinstance(sequence, RecipeSequence)
    assert [sequence.at(turn) for turn in range(3)] == [
        *[Recipe(429, retry_after=5.0, operations=frozenset())] * 2,
        Recipe(429, operations=frozenset()),
    ]


def test_effects_compose() -> None:
    recipe = only(REGISTRY.find("fail=service_error@40+slow=1m+callback=late:5s+latency=1ms..2ms"))
    assert recipe.outcome.failure is not None
    assert (recipe.outcome.reach, recipe.seconds, recipe.callback, recipe.callback_delay) == (
        40,
        60.0,
        "late",
        5.0,
    )
    assert recipe.latency is not None
    assert (recipe.latency.shortest, recipe.latency.longest) == (0.001, 0.002)


@given(st.lists(st.tuples(st.sampled_from([402, 429, 500]), st.integers(1, 5)), min_size=2, max_size=6))
def test_a_sequence_is_taken_in_turn_and_then_is_over(steps: list[tuple[int, int]]) -> None:
    sequence = REGISTRY.find(", ".join(f"{status}*{times}" for status, times in steps))
    assert isinstance(sequence, RecipeSequence)
    expected = [status for status, times in steps for _ in range(times)]
    assert sequence.length == len(expected)
    assert [sequence.at(turn).status for turn in range(sequence.length)] == expected
    assert sequence.at(sequence.length) is sequence.at(10**9) is DEFAULT_RECIPE


def test_one_recipe_without_a_number_is_for_all_requests_and_one_with_a_number_is_not() -> None:
    standing, counted = REGISTRY.find("402"), REGISTRY.find("402*1")
    assert isinstance(standing, RecipeSequence)
    assert isinstance(counted, RecipeSequence)
    assert (standing.at(99).status, counted.at(0).status, counted.at(1).status) == (402, 402, None)


def test_a_recipe_is_cached_by_its_text() -> None:
    assert REGISTRY.find("429*2, ok") is REGISTRY.find("429*2, ok")


def test_the_cache_forgets_texts_but_no_recipe_is_lost() -> None:
    registry = RecipeRegistry({402}, ())
    assert {status(registry.find(f"402+slow={number}s")) for number in range(1, 2002)} == {402}
