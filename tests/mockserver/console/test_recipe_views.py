"""The preview of a composed recipe says what each step does, and how to write it everywhere."""

from __future__ import annotations

import pytest
from evolink_mock.console.recipe_views import effect_table, preview
from evolink_mock.recipes.effects import EFFECTS
from evolink_mock.recipes.registry import RecipeRegistry, statuses_of
from evolink_spec import load

SPEC = load()
REGISTRY = RecipeRegistry(statuses_of(SPEC), SPEC.failures)


def test_each_step_says_for_which_requests_it_applies() -> None:
    shown = preview(REGISTRY, "429*2, slow+callback=twice")
    assert shown["problem"] == ""
    assert [(step["text"], step["requests"]) for step in shown["steps"]] == [
        ("429*2", "the next 2 requests"),
        ("slow+callback=twice", "the next request"),
    ]
    assert [len(step["effects"]) for step in shown["steps"]] == [1, 2]
    assert dict(shown["copies"])["Header"] == 'Prefer: mock="429*2, slow+callback=twice"'


def test_one_step_without_a_count_applies_to_every_request() -> None:
    (step,) = preview(REGISTRY, "slow=10m")["steps"]
    assert step["requests"] == "every request"


@pytest.mark.parametrize("text", ["fial", "429*0", "slow=never"])
def test_an_unknown_recipe_gets_the_nearest(text: str) -> None:
    shown = preview(REGISTRY, text)
    assert "the nearest are" in shown["problem"]
    assert shown["copies"] == []


def test_every_recipe_of_the_catalog_has_a_preview() -> None:
    assert not [name for name in REGISTRY.names if preview(REGISTRY, name)["problem"]]
    assert len(effect_table()) == len(EFFECTS)
