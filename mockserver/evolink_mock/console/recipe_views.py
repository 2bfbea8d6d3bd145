"""The data of the recipe page: the effects and the preview of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_mock.console.recipe_sentences import sentence
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import grammar
from evolink_mock.recipes.effects import EFFECTS

if TYPE_CHECKING:
    from evolink_mock.recipes.grammar import Step
    from evolink_mock.recipes.registry import RecipeRegistry


def effect_table() -> list[dict[str, Any]]:
    """Return a row for each effect of a recipe."""
    return [
        {
            "form": effect.form,  # how the effect is written, such as `slow[=TIME]`
            "meaning": effect.meaning.replace("`", ""),
            "examples": effect.examples,
            "operations": ", ".join(sorted(effect.operations)),  # to which the effect can be applied
        }
        for effect in EFFECTS
    ]


def preview(registry: RecipeRegistry, text: str) -> dict[str, Any]:
    """Describe what a recipe does and how a client can send it.

    The member `problem` says why the recipe is invalid. For a valid recipe, `problem` is empty.
    """
    if not text.strip():
        return {"problem": "", "steps": [], "copies": []}
    recipe = registry.find(text)
    if isinstance(recipe, ApiError):
        return {"problem": recipe.detail, "steps": [], "copies": []}
    copies = [
        ("Header", f'Prefer: mock="{recipe.text}"'),
        ("Prompt", f"a dancing cat [[{recipe.text}]]"),
        ("Token", f"any-token~{recipe.text}"),
        ("Python", f'account.recipe("{recipe.text}")'),
    ]
    steps = grammar.parse_recipe(text)
    return {"problem": "", "steps": [_step(step, len(steps)) for step in steps], "copies": copies}


def _step(step: Step, count: int) -> dict[str, Any]:
    if step.times is None:
        requests = "every request" if count == 1 else "the next request"
    else:
        requests = f"the next {step.times} requests"
    return {"text": str(step), "requests": requests, "effects": [sentence(word) for word in step.words]}
