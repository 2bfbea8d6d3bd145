"""Recipes are found wherever a test can put them, and nothing else is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import SPEC

from mockserver.faults import Fault
from mockserver.plans import SUCCESS
from mockserver.recipes import NOTHING, Cookbook, Recipe

BOOK = Cookbook({402, 429, 500}, SPEC.failures)
CODES = tuple(failure.code for failure in SPEC.failures)


def refusal(found: Any) -> str:
    assert isinstance(found, Fault)
    assert (found.status, found.param) == (400, "")
    return found.detail


def status(found: Any) -> int | None:
    """The status that a recipe asks for, None when it asks for nothing."""
    assert isinstance(found, Recipe)
    assert found.outcome is SUCCESS
    return found.status


def test_every_recipe_has_a_name_that_finds_it() -> None:
    assert BOOK.names == ("402", "429", "500", *(f"fail={code}" for code in CODES))
    assert all(isinstance(BOOK.find(name), Recipe) for name in BOOK.names)


@pytest.mark.parametrize("asked", [402, 429, 500])
def test_a_status_is_asked_for_by_its_number(asked: int) -> None:
    assert status(BOOK.find(str(asked))) == asked


@pytest.mark.parametrize("code", CODES)
def test_a_failure_is_asked_for_by_its_code_and_comes_at_the_last_moment(code: str) -> None:
    found = BOOK.find(f"fail={code}")
    assert isinstance(found, Recipe)
    assert found.outcome.failure is not None
    assert (found.status, found.outcome.failure.code, found.outcome.reach) == (None, code, 99)


@given(st.integers(0, 99), st.booleans())
def test_a_failure_can_be_told_when_to_come(progress: int, sign: bool) -> None:  # noqa: FBT001
    found = BOOK.find(f"fail=service_error@{progress}{'%' if sign else ''}")
    assert isinstance(found, Recipe)
    assert found.outcome.reach == max(1, progress)


def test_two_hundred_asks_for_nothing() -> None:
    assert BOOK.find("200") is NOTHING


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
    ],
)
def test_an_unknown_recipe_is_refused_with_the_nearest_names(text: str, nearest: str) -> None:
    told = refusal(BOOK.find(text))
    assert told.startswith(f"there is no recipe {text!r}; the nearest are ")
    assert nearest in told.partition(" are ")[2].split(", ")


@given(st.text(max_size=20))
def test_any_text_is_a_recipe_or_refused(text: str) -> None:
    assert isinstance(BOOK.find(text), Recipe | Fault)


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
    assert status(BOOK.of_request(prefer, "key")) == 402


def test_a_preference_may_ask_for_a_failure_without_quotes() -> None:
    found = BOOK.of_request(b"mock=fail=service_error@40", "key")
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
        b'note="a \\", mock=402"',
        b"code=200",
        b'"',
        b"=402",
        b"\xff=\xfe",
    ],
)
def test_other_preferences_ask_for_nothing(prefer: bytes) -> None:
    assert BOOK.of_request(prefer, "key") is NOTHING


@given(st.binary(max_size=40))
def test_any_preference_is_survived(prefer: bytes) -> None:
    assert isinstance(BOOK.of_request(prefer, "key"), Recipe | Fault)


def test_an_empty_preference_of_ours_is_refused_as_a_slip() -> None:
    assert "there is no recipe ''" in refusal(BOOK.of_request(b"mock=", "key"))


def test_a_token_carries_a_recipe_behind_a_tilde() -> None:
    assert status(BOOK.of_request(b"", "key~402")) == 402
    assert BOOK.of_request(b"", "key") is NOTHING


def test_the_header_goes_before_the_token() -> None:
    assert status(BOOK.of_request(b"mock=500", "key~402")) == 500
    assert status(BOOK.of_request(b"respond-async", "key~402")) == 402


def test_no_part_of_a_token_is_repeated() -> None:
    assert "secret" not in refusal(BOOK.of_request(b"", "sk-secret~secret"))


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
    assert refusal(Cookbook((), ()).find("402")).startswith("there is no recipe '402'")
