"""The table of effects is complete and true."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from evolink_mock.recipes.effects import (
    EFFECTS,
    FAIL,
    OPERATIONS,
    STATUS,
    Effect,
    effect_listing,
    effect_rows,
    recipe_schema,
)
from evolink_mock.recipes.recipe import RecipeSequence
from evolink_mock.recipes.registry import RecipeRegistry
from support.records.builders import SPEC

REGISTRY = RecipeRegistry({402, 429}, SPEC.failures)
SCHEMA = jsonschema_rs.Draft202012Validator(recipe_schema())


def name_of(effect: Effect) -> str:
    return effect.name


@pytest.mark.parametrize("effect", EFFECTS, ids=name_of)
def test_every_example_is_a_recipe(effect: Effect) -> None:
    assert effect.examples
    for example in effect.examples:
        sequence = REGISTRY.find(example)
        assert isinstance(sequence, RecipeSequence), example
        recipe = sequence.at(0)
        affected = {operation for operation in OPERATIONS if recipe.affects(operation, {402, 429})}
        assert affected == effect.operations


@pytest.mark.parametrize("effect", EFFECTS, ids=name_of)
def test_an_example_begins_with_the_name(effect: Effect) -> None:
    if effect.name not in {STATUS, "ok"}:
        assert re.match(rf"{effect.name}\b", effect.examples[0])


def test_the_json_schema_accepts_recipes_and_nothing_else() -> None:
    assert all(SCHEMA.is_valid(example) for example in recipe_schema()["examples"])
    assert all(SCHEMA.is_valid(name) for name in REGISTRY.names)
    assert not any(SCHEMA.is_valid(text) for text in ("", "a,", "a++b", "x" * 201, 402))


def test_the_listing_has_a_row_for_every_effect() -> None:
    assert len(effect_rows()) == len(EFFECTS)
    for effect in EFFECTS:
        assert f"{effect.form}\n    {effect.meaning}" in effect_listing()
    assert "(on: all; example: cut)" in effect_listing()
    assert "(on: create, query; example: status=archived)" in effect_listing()


def test_no_two_effects_have_one_name() -> None:
    assert len({effect.name for effect in EFFECTS}) == len(EFFECTS)
    assert {STATUS, FAIL} <= {effect.name for effect in EFFECTS}
