"""Recipes are found wherever a test can put them, and nothing else is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_mock.domain.tasks import SUCCESS
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.registry import DEFAULT_RECIPE, NO_RECIPE, Recipe, RecipeRegistry, RecipeSequence
from hypothesis import given
from hypothesis import strategies as st
from support.builders import SPEC

BOOK = RecipeRegistry({402, 429, 500}, SPEC.failures)
CODES = tuple(failure.code for failure in SPEC.failures)


def refusal(found: Any) -> str:
    assert isinstance(found, ApiError)
    assert (found.status, found.param) == (400, "")
    return found.detail


def only(found: Any) -> Recipe:
    """The recipe of a series that has one."""
    assert isinstance(found, RecipeSequence)
    assert found.stands
    return found.at(0)


def status(found: Any) -> int | None:
    """The status that a recipe asks for, None when it asks for nothing."""
    recipe = only(found)
    assert recipe.outcome is SUCCESS
    return recipe.status


def test_every_recipe_has_a_name_that_finds_it() -> None:
    assert BOOK.names[:16] == ("402", "429", "500", *(f"fail={code}" for code in CODES))
    assert len(CODES) == 13
    assert len(set(BOOK.names)) == len(BOOK.names)
    assert all(isinstance(BOOK.find(name), RecipeSequence) for name in BOOK.names)


@pytest.mark.parametrize("asked", [402, 429, 500])
def test_a_status_is_asked_for_by_its_number(asked: int) -> None:
    assert status(BOOK.find(str(asked))) == asked


@pytest.mark.parametrize("code", CODES)
def test_a_failure_is_asked_for_by_its_code_and_comes_at_the_last_moment(code: str) -> None:
    found = only(BOOK.find(f"fail={code}"))
    assert found.outcome.failure is not None
    assert (found.status, found.outcome.failure.code, found.outcome.reach) == (None, code, 99)


@given(st.integers(0, 99), st.booleans())
def test_a_failure_can_be_told_when_to_come(progress: int, sign: bool) -> None:  # noqa: FBT001
    found = only(BOOK.find(f"fail=service_error@{progress}{'%' if sign else ''}"))
    assert found.outcome.reach == max(1, progress)


def test_two_hundred_asks_for_nothing() -> None:
    for text in ("200", "ok"):
        assert only(BOOK.find(text)) is DEFAULT_RECIPE is not NO_RECIPE


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
    ],
)
def test_an_unknown_recipe_is_refused_with_the_nearest_names(text: str, nearest: str) -> None:
    told = refusal(BOOK.find(text))
    assert told.startswith(f"there is no recipe {text!r}")
    assert "; the nearest are " in told
    assert nearest in told.partition(" are ")[2].split(", ")


@given(st.text(max_size=20))
def test_any_text_is_a_recipe_or_refused(text: str) -> None:
    assert isinstance(BOOK.find(text), RecipeSequence | ApiError)


def test_a_long_unknown_recipe_is_cut() -> None:
    assert len(refusal(BOOK.find("x" * 50_000))) < 300


@pytest.mark.parametrize(
    "prefer",
    [
        b"mock=402",
        b"code=402",
        b"Mock=402",
        b"CODE = 402",
        b'mock="402"',
        b"respond-async, code=402",
        b"wait=10;mock=402",
        b"wait=10,code=402, example=none",
        b'note="mock=500, code=500", code=402',
        b'note="a \\" mock=500", code=402',
        b"mock=402, mock=500",
        b"dynamic=code,mock=402",
    ],
)
def test_a_preference_names_a_recipe(prefer: bytes) -> None:
    assert status(BOOK.of_header(prefer)) == 402


def test_a_preference_may_ask_for_a_failure_without_quotes() -> None:
    found = BOOK.of_header(b"mock=fail=service_error@40")
    assert found == BOOK.find("fail=service_error@40")


@pytest.mark.parametrize(
    "prefer",
    [
        b"",
        b"respond-async",
        b"return=minimal, wait=10",
        b"example=402",
        b"mocking=402",
        b"xcode=402",
        b"dynamic=mock",
        b'note="mock=402"',
        b'"mock=402"',
        b'note="a \\", mock=402"',
        b'"',
        b"=402",
        b"\xff=\xfe",
    ],
)
def test_other_preferences_ask_for_nothing(prefer: bytes) -> None:
    assert BOOK.of_header(prefer) is None


@pytest.mark.parametrize(
    ("prefer", "text"),
    [
        (b'mock="429*2, ok"', "429*2, ok"),
        (b"mock=429*2, ok", "429*2, ok"),
        (b"mock=500, fail=service_error@4, wait=3", "500, fail=service_error@4"),
        (b"mock=402;wait=1, 429", "402"),
        (b"mock=402, example=none", "402"),
    ],
)
def test_a_sequence_in_a_header_should_be_quoted_and_is_understood_without(prefer: bytes, text: str) -> None:
    found = BOOK.of_header(prefer)
    assert isinstance(found, RecipeSequence)
    assert found.text == text


@given(st.binary(max_size=40))
def test_any_preference_is_survived(prefer: bytes) -> None:
    assert isinstance(BOOK.of_header(prefer), RecipeSequence | ApiError | None)


def test_an_empty_preference_of_ours_is_refused_as_a_slip() -> None:
    assert "there is no recipe ''" in refusal(BOOK.of_header(b"mock="))


def test_a_token_carries_a_recipe_behind_a_tilde() -> None:
    assert status(BOOK.of_token("key~402")) == 402
    assert BOOK.of_token("key") is None


def test_no_part_of_a_token_is_repeated() -> None:
    assert "secret" not in refusal(BOOK.of_token("sk-secret~secret"))


@pytest.mark.parametrize(
    "prompt",
    ["[[402]]", "A dog [[402]] dances", "[[ 402\n]]", "[[402]] [[500]]", "[not] [[402]]", "[[[402]]]"],
)
def test_a_prompt_carries_a_recipe_in_double_brackets(prompt: str) -> None:
    assert status(BOOK.of_body({"prompt": prompt})) == 402


@pytest.mark.parametrize(
    "prompt",
    [
        "402",
        "[402]",
        "[[402]",
        "[[]]",
        "[[4[0]2]]",
        f"[[{'x' * 201}]]",
        None,
        402,
        ["[[402]]"],
        {"a": "[[402]]"},
    ],
)
def test_a_prompt_without_a_recipe_asks_for_nothing(prompt: Any) -> None:
    assert BOOK.of_body({"prompt": prompt}) is None
    assert BOOK.of_body({"[[402]]": 1}) is None


def test_an_unknown_word_in_brackets_is_refused() -> None:
    assert "there is no recipe '42'" in refusal(BOOK.of_body({"prompt": "[[42]]"}))


@pytest.mark.parametrize("filler", [" ", "[", "[[", "a", "[[ "])
def test_a_prompt_made_to_be_slow_to_search_is_not(filler: str) -> None:
    assert BOOK.of_body({"prompt": "[[" + filler * 300_000}) is None


def test_a_book_without_recipes_says_so() -> None:
    assert refusal(RecipeRegistry((), ()).find("402")).startswith("there is no recipe '402'")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("402+429", "429 contradicts what stands before it"),
        ("slow+slow=3s", "an effect is named twice"),
        ("drop=1", "drop takes no value"),
        ("402=1", "402 takes no value"),
        ("fail=service_error/nudity", "service_error has no kinds"),
        (
            "fail=content_policy_violation/rude",
            "content_policy_violation is of kind photorealistic-people, celeb",
        ),
        ("429=soon", "write 5s, 500ms, 2m or 1h"),
        ("402@3", "@ goes with fail"),
        ("fail", "fail takes a code"),
        ("slow=3parsecs", "write 5s, 500ms, 2m or 1h"),
        ("latency=3s..1s", "ends before it begins"),
        ("callback=late", "callback is one of"),
        ("shape=round", "shape is one of minimal, full, extra, any"),
        ("credits=many", "credits takes a number"),
        ("rate=30", "write 30/minute"),
        ("status", "status takes a word"),
        ("type=html", "type takes a media type"),
        ("429*0", "a step is repeated 1 to 1000000 times"),
        ("4" * 201, "more than 200 characters"),
    ],
)
def test_a_slip_in_a_known_recipe_is_explained(text: str, why: str) -> None:
    assert why in refusal(BOOK.find(text))


@pytest.mark.parametrize("kind", dict(next(one for one in SPEC.failures if one.kinds).kinds))
def test_a_failure_of_a_kind_has_the_message_of_that_kind(kind: str) -> None:
    found = only(BOOK.find(f"fail=content_policy_violation/{kind}@40")).outcome
    assert found.failure is not None
    assert (found.failure.code, found.reach) == ("content_policy_violation", 40)
    usual = only(BOOK.find("fail=content_policy_violation")).outcome.failure
    assert usual is not None
    assert (found.failure.message == usual.message) is (kind == "general")


def test_a_429_may_say_how_long_to_wait() -> None:
    found = BOOK.find("429=5s*2, 429, ok")
    assert isinstance(found, RecipeSequence)
    assert [found.at(turn) for turn in range(3)] == [
        *[Recipe(429, retry=5.0, operations=frozenset())] * 2,
        Recipe(429, operations=frozenset()),
    ]


def test_effects_compose() -> None:
    found = only(BOOK.find("fail=service_error@40+slow=1m+callback=late:5s+latency=1ms..2ms"))
    assert found.outcome.failure is not None
    assert (found.outcome.reach, found.seconds, found.callback, found.wait) == (40, 60.0, "late", 5.0)
    assert found.latency is not None
    assert (found.latency.shortest, found.latency.longest) == (0.001, 0.002)


@given(st.lists(st.tuples(st.sampled_from([402, 429, 500]), st.integers(1, 5)), min_size=2, max_size=6))
def test_a_sequence_is_taken_in_turn_and_then_is_over(steps: list[tuple[int, int]]) -> None:
    found = BOOK.find(", ".join(f"{status}*{times}" for status, times in steps))
    assert isinstance(found, RecipeSequence)
    expected = [status for status, times in steps for _ in range(times)]
    assert found.length == len(expected)
    assert [found.at(turn).status for turn in range(found.length)] == expected
    assert found.at(found.length) is found.at(10**9) is DEFAULT_RECIPE


def test_one_recipe_without_a_number_is_for_all_requests_and_one_with_a_number_is_not() -> None:
    standing, counted = BOOK.find("402"), BOOK.find("402*1")
    assert isinstance(standing, RecipeSequence)
    assert isinstance(counted, RecipeSequence)
    assert (standing.at(99).status, counted.at(0).status, counted.at(1).status) == (402, 402, None)


def test_a_text_is_read_once() -> None:
    assert BOOK.find("429*2, ok") is BOOK.find("429*2, ok")


def test_a_book_forgets_texts_and_not_recipes() -> None:
    book = RecipeRegistry({402}, ())
    assert {status(book.find(f"402+slow={number}s")) for number in range(1, 2002)} == {402}
