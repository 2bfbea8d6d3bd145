"""The recipe in a `Prefer` header, found in one pass over it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.recipes.prefer_header import preferences, recipe_text
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import FrameType

EFFECTS = ("402", "429", "500", "ok", "fail", "slow")
# The same grammar as a regular expression, which takes quadratic time for quotation marks without an end.
QUOTED = r'"((?:[^"\\]|\\.)*)"'
REFERENCE = re.compile(rf'([^\s,;="]+)(?:\s*=\s*(?:{QUOTED}|([^\s,;"]*)))?|{QUOTED}')


@pytest.mark.parametrize(
    "header",
    [
        "mock=402",
        "code=402",
        "Mock=402",
        "CODE = 402",
        'mock="402"',
        "respond-async, code=402",
        "wait=10;mock=402",
        "wait=10,code=402, example=none",
        'note="mock=500, code=500", code=402',
        'note="a \\" mock=500", code=402',
        "mock=402, mock=500",
        "dynamic=code,mock=402",
    ],
)
def test_a_preference_names_a_recipe(header: str) -> None:
    assert recipe_text(header, EFFECTS) == "402"


def test_a_preference_may_ask_for_a_failure_without_quotes() -> None:
    assert recipe_text("mock=fail=service_error@40", EFFECTS) == "fail=service_error@40"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "respond-async",
        "return=minimal, wait=10",
        "example=402",
        "mocking=402",
        "xcode=402",
        "dynamic=mock",
        'note="mock=402"',
        '"mock=402"',
        'note="a \\", mock=402"',
        '"',
        "=402",
        "\xff=\xfe",
    ],
)
def test_other_preferences_name_none(header: str) -> None:
    assert recipe_text(header, EFFECTS) is None


def test_a_preference_without_a_value_is_an_empty_text() -> None:
    assert recipe_text("mock=", EFFECTS) == recipe_text("mock", EFFECTS) == ""


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ('mock="429*2, ok"', "429*2, ok"),
        ("mock=429*2, ok", "429*2, ok"),
        ("mock=500, fail=service_error@4, wait=3", "500, fail=service_error@4"),
        ("mock=402;wait=1, 429", "402"),
        ("mock=402, example=none", "402"),
    ],
)
def test_a_sequence_should_be_quoted_and_is_understood_without_quotes(header: str, text: str) -> None:
    assert recipe_text(header, EFFECTS) == text


@given(st.text(st.sampled_from('mock=a ,;"\\\t'), max_size=30) | st.text('mcode=402\\" ,;', max_size=60))
def test_preferences_are_those_of_the_grammar(header: str) -> None:
    expected = [
        (match[1], match[3] if match[2] is None else match[2])
        for match in REFERENCE.finditer(header)
        if match[1]
    ]
    assert [(preference.name, preference.value) for preference in preferences(header)] == expected


def steps(header: str) -> int:
    """The lines of Python that are executed to read a header."""
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        recipe_text(header, EFFECTS)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "repeated",
    ['\\"', '"', "\\", '"\\', 'a="', 'a="\\"', "a ", " ", "=", ",", "a=", "a = ", 'a "b" ', "mock", "\t\x0b"],
)
def test_a_header_twice_as_long_takes_at_most_twice_the_steps(repeated: str) -> None:
    assert steps(repeated * 2000) <= 2 * steps(repeated * 1000) + 100


def test_a_long_sequence_without_quotes_takes_steps_in_proportion_to_its_length() -> None:
    assert steps("mock=" + "ok," * 2000) <= 2 * steps("mock=" + "ok," * 1000) + 100
