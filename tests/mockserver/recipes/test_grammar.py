"""The grammar of recipes: what is written is what is read, and nothing makes the parser crash."""

from __future__ import annotations

import re

import pytest
from evolink_mock.recipes.grammar import (
    LONGEST,
    PATTERN,
    RecipeSyntaxError,
    Step,
    Word,
    canonical,
    parse_recipe,
)
from hypothesis import given
from hypothesis import strategies as st

LETTERS = "aZ09"
NAMES = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + "_-", max_size=8))
VALUES = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + "_./:; -", max_size=8)).map(
    str.strip
)
WORDS = st.builds(Word, NAMES, st.none() | VALUES, st.none() | st.integers(0, 99))
STEPS = st.builds(
    Step, st.lists(WORDS, min_size=1, max_size=3).map(tuple), st.none() | st.integers(1, 1_000_000)
)
RECIPES = (
    st.lists(STEPS, min_size=1, max_size=3).map(tuple).filter(lambda steps: len(canonical(steps)) <= LONGEST)
)
SIGNS = st.text(st.sampled_from("429okfail=@*+, %./:-[]\n"), max_size=40)


@given(RECIPES)
def test_the_canonical_spelling_is_parsed_to_the_same_steps(steps: tuple[Step, ...]) -> None:
    assert parse_recipe(canonical(steps)) == steps


@given(RECIPES)
def test_the_pattern_matches_the_canonical_spelling(steps: tuple[Step, ...]) -> None:
    assert re.match(PATTERN, canonical(steps))


@given(SIGNS | st.text(max_size=60))
def test_any_text_is_parsed_or_refused_and_the_pattern_agrees(text: str) -> None:
    try:
        steps = parse_recipe(text)
    except RecipeSyntaxError:
        return
    assert parse_recipe(canonical(steps)) == steps
    assert re.match(PATTERN, text)


@pytest.mark.parametrize("text", ["429*2,ok", " 429 * 2 , ok ", "429*2\t,\nok", "429 *2, ok"])
def test_space_around_signs_is_free(text: str) -> None:
    assert parse_recipe(text) == (Step((Word("429"),), 2), Step((Word("ok"),)))


def test_a_word_has_a_name_a_value_and_a_progress() -> None:
    assert parse_recipe("fail=service_error@40%+slow=2m") == (
        Step((Word("fail", "service_error", 40), Word("slow", "2m"))),
    )


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "a,", "a++b", "a*", "a*-1", "a*0", "a*1000001", "a*2*3", "=a", "a=", "a@", "a@100", "a b", "[a]"],
)  # fmt: skip
def test_a_text_outside_of_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(RecipeSyntaxError):
        parse_recipe(text)


@pytest.mark.parametrize("text", ["ä", "４２９", "429*２", "a" * (LONGEST + 1), "fail=ä"])  # noqa: RUF001
def test_a_recipe_is_of_ascii_and_not_too_long(text: str) -> None:
    with pytest.raises(RecipeSyntaxError):
        parse_recipe(text)
