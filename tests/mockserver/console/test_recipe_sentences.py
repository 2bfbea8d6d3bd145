"""The preview of a recipe says what this recipe does, and not what others of the same effect do."""

from __future__ import annotations

import pytest
from evolink_mock.console.recipe_sentences import sentence
from evolink_mock.recipes.effects import EFFECTS
from evolink_mock.recipes.grammar import parse_recipe

ONE_FORM = {"ok", "task", "queue", "drop", "cut", "hang"}  # the general meaning is that of the recipe


def sentence_of(text: str) -> str:
    return sentence(parse_recipe(text)[0].words[0])


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("402", "the documented error with status 402, on operations that document it"),
        ("429=5s", "the documented error with status 429, and a Retry-After of 5s"),
        ("callback=twice", "the callback is sent again 1 s after it was delivered"),
        ("callback=late:30s", "the callback is sent 30s after the end of the task"),
        ("fail=service_error@40", "the task fails with service_error at 40 percent"),
        (
            "fail=content_policy_violation/nudity",
            "the task fails with content_policy_violation, of the kind nudity, at 99 percent",
        ),
        ("latency=1ms..3ms", "the response is delayed by 1ms to 3ms, in real time"),
        ("omit=progress/usage", "the body lacks progress, usage"),
    ],
)
def test_a_sentence_states_the_values_of_the_recipe(text: str, stated: str) -> None:
    assert sentence_of(text) == stated


def test_every_example_has_a_sentence_of_its_own() -> None:
    examples = [example for effect in EFFECTS for example in effect.examples if example != "200"]
    sentences = [sentence_of(example) for example in examples if "," not in example]
    assert len(set(sentences)) == len(sentences)
    general = {effect.meaning.replace("`", "") for effect in EFFECTS if effect.name not in ONE_FORM}
    assert not general & set(sentences)
