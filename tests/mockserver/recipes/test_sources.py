"""Where a request can name a recipe, and what is not taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import assignments
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe
from evolink_mock.recipes.registry import RecipeRegistry
from evolink_mock.recipes.sources import SOURCES, RecipeRequest, Resolution, parse_sources, resolve_recipe
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import SPEC, an_account

REGISTRY = RecipeRegistry({400, 401, 402, 403, 429, 500}, SPEC.failures)
ALL: dict[str, Any] = {"prefer": b"mock=400", "prompt": "[[401]]", "token": "key~403"}


def resolve(enabled: tuple[str, ...] = SOURCES, assigned: str = "", **request: Any) -> Resolution:
    account = an_account()
    if assigned:
        assert assignments.assign(account, REGISTRY, assigned, times=None) is None
    return resolve_recipe(REGISTRY, account, RecipeRequest("create", range(400, 600), **request), enabled)


def status(resolution: Resolution) -> int | None:
    assert isinstance(resolution.recipe, Recipe)
    return resolution.recipe.status


def test_the_first_enabled_source_that_has_a_recipe_wins() -> None:
    expected = {"header": 400, "prompt": 401, "assigned": 402, "token": 403}
    assert tuple(expected) == SOURCES
    for position, source in enumerate(SOURCES):
        assert status(resolve(SOURCES[position:], assigned="402", **ALL)) == expected[source]
        assert status(resolve((source,), assigned="402", **ALL)) == expected[source]


def test_a_source_that_is_not_enabled_is_not_read() -> None:
    assert resolve((), assigned="402", **ALL) == Resolution(NO_RECIPE)
    nonsense: dict[str, Any] = {"prefer": b"mock=nonsense", "prompt": "[[nonsense]]", "token": "key~nonsense"}
    assert resolve((), **nonsense) == Resolution(NO_RECIPE)


def test_an_unknown_recipe_in_a_header_is_an_error_that_ends_the_search() -> None:
    recipe, notes = resolve(prefer=b"mock=nonsense", prompt="[[402]]")
    assert isinstance(recipe, ApiError)
    assert (recipe.status, notes) == (400, ())
    assert recipe.detail.startswith("unknown recipe 'nonsense'; the nearest are ")


def test_another_preference_leaves_the_search_to_the_other_sources() -> None:
    assert status(resolve(prefer=b"wait=10", prompt="[[402]]")) == 402


@given(st.binary(max_size=40))
def test_any_header_resolves_to_a_recipe_or_an_error(prefer: bytes) -> None:
    assert isinstance(resolve(prefer=prefer).recipe, Recipe | ApiError)


@pytest.mark.parametrize(
    "prompt",
    [
        "[[402]]",
        "A dog [[402]] dances",
        "[[ 402\n]]",
        "[[402]] [[500]]",
        "[not] [[402]]",
        "[[[402]]]",
        "a [[tiny cat]] runs [[402]]",
        "[[!500]] [[402]]",
    ],
)
def test_a_prompt_names_a_recipe_in_double_brackets(prompt: str) -> None:
    assert status(resolve(prompt=prompt)) == 402


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
def test_a_prompt_without_a_text_in_double_brackets_names_none(prompt: Any) -> None:
    assert resolve(prompt=prompt) == Resolution(NO_RECIPE)


@pytest.mark.parametrize("filler", [" ", "[", "[[", "a", "[[ ", "[[a", "]", "[[!a]]"])
def test_a_prompt_of_megabytes_is_searched_once(filler: str) -> None:
    assert resolve(prompt="[[" + filler * 300_000) == Resolution(NO_RECIPE)


@pytest.mark.parametrize("text", ["!429", "! 429", " !429 ", "!tiny cat", "!"])
def test_an_exclamation_mark_keeps_a_text_in_double_brackets_from_being_a_recipe(text: str) -> None:
    assert resolve(prompt=f"a [[{text}]] runs") == Resolution(NO_RECIPE)


@pytest.mark.parametrize(
    "text",
    ["tiny cat", "42", "slow motion", "cat:1.2", "rate=many", "shape=round", "402+429", "429*0", "fial"],
)
def test_other_words_in_double_brackets_are_part_of_the_prompt_with_a_note(text: str) -> None:
    recipe, notes = resolve(prompt=f"a [[{text}]] runs")
    assert recipe is NO_RECIPE
    (note,) = notes
    assert note.startswith(f"the prompt is used as it is: unknown recipe {text!r}")
    assert "the nearest are " in note


def test_only_the_first_unknown_text_of_a_prompt_is_noted() -> None:
    _, notes = resolve(prompt="[[one]] [[two]]" * 1000)
    assert len(notes) == 1
    assert "'one'" in notes[0]


def test_only_the_first_twenty_texts_in_brackets_are_looked_at() -> None:
    assert status(resolve(prompt="[[cat]]" * 19 + "[[402]]")) == 402
    assert resolve(prompt="[[cat]]" * 20 + "[[402]]").recipe is NO_RECIPE


def test_a_token_carries_a_recipe_behind_a_tilde() -> None:
    assert status(resolve(token="key~402")) == 402
    assert resolve(token="key") == Resolution(NO_RECIPE)


@pytest.mark.parametrize("token", ["sk-a~b", "sk-secret~secret", "a~b~402", "key~", "~", "key~402~"])
def test_a_token_with_a_tilde_of_its_own_is_a_token_and_no_part_of_it_is_repeated(token: str) -> None:
    recipe, notes = resolve(token=token)
    assert recipe is NO_RECIPE
    (note,) = notes
    assert note.startswith("the token is used as it is: the part after ~ is not a recipe")
    assert "secret" not in note


def test_the_notes_of_a_prompt_are_kept_when_a_later_source_has_the_recipe() -> None:
    resolution = resolve(prompt="[[cat]]", token="key~402")
    assert (status(resolution), len(resolution.notes)) == (402, 1)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("off", "off"),
        (" OFF ", "off"),
        ("header", "header"),
        ("token, Header", "header,token"),
        ("header,prompt,assigned,token", "header,prompt,assigned,token"),
        ("prompt,prompt", "prompt"),
    ],
)
def test_sources_of_recipes_are_a_list_or_off(text: str, sources: str) -> None:
    assert parse_sources(text) == sources


@pytest.mark.parametrize("text", ["", "on", "header,", "headers", "off,header", "header token"])
def test_invalid_sources_of_recipes_are_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid sources of recipes .*header,prompt,assigned,token"):
        parse_sources(text)
