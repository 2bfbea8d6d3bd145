"""What a create can say, read from its operation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.generation.fields import (
    create_operations,
    enum_fields,
    fields_of,
    minimal_body,
    near_misses,
    required_of,
    values_of,
    values_of_other_types,
)
from evolink_spec.pointers import Node
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC
from support.mocks.sending import SUBJECT

if TYPE_CHECKING:
    from evolink_spec import CreateOperation

OPERATION = SPEC.creates["POST", CREATE][MODEL]
FIELDS = fields_of(OPERATION)


def test_the_fields_are_those_of_the_document() -> None:
    assert FIELDS.keys() == OPERATION.properties
    assert required_of(OPERATION) == ("model", "prompt", "image_urls")


def test_the_listed_values_are_those_of_the_document_without_the_model() -> None:
    assert enum_fields(OPERATION) == {
        "duration": (6, 10),
        "mode": ("fun", "normal", "spicy"),
        "quality": ("480p", "720p"),
    }


def test_the_usual_body_has_what_is_required_in_words_of_the_subject() -> None:
    assert minimal_body(OPERATION, SUBJECT) == BODY
    other = replace(SUBJECT, prompt="Slow clouds", image_url="https://example.com/b.png")
    assert minimal_body(OPERATION, other) == BODY | {
        "prompt": "Slow clouds",
        "image_urls": ["https://example.com/b.png"],
    }


def test_an_operation_with_several_models_is_one_operation() -> None:
    twice: dict[str | None, CreateOperation] = {"a": OPERATION, "b": OPERATION}
    assert create_operations(replace(SPEC, creates={("POST", CREATE): twice})) == (OPERATION,)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("prompt", {int, float, bool, list, dict, type(None)}),
        ("duration", {str, bool, list, dict, type(None)}),
        ("image_urls", {str, int, float, bool, dict, type(None), list}),
    ],
)
def test_other_types_are_all_but_the_own(name: str, types: set[type]) -> None:
    assert {type(value) for value in values_of_other_types(FIELDS[name])} == types


def test_lists_are_another_type_when_their_entries_are() -> None:
    lists = [value for value in values_of_other_types(FIELDS["image_urls"]) if isinstance(value, list)]
    assert [7] in lists
    assert [None] in lists
    assert not any(isinstance(one, str) for entries in lists for one in entries)


def test_one_value_of_each_type_is_enough_where_only_one_is_wanted() -> None:
    found = list(values_of_other_types(FIELDS["prompt"], 1))
    assert len(found) == len({type(value) for value in found}) == 6


def test_neighbours_of_numbers_are_near_and_between_them() -> None:
    assert {5, 7, 8, 9, 11, 0, -6, 6.5, 16, 60, 10**30} <= set(near_misses((6, 10)))
    assert {6, 7} & set(near_misses((6, 7))) == set()


def test_neighbours_of_words_are_in_other_cases_and_almost_the_word() -> None:
    assert {"FUN", "Fun", "fun ", " fun", "funx", "fu", ""} == set(near_misses(("fun",)))
    assert {"480", "4800p", "480P"} <= set(near_misses(("480p", "720p")))


def test_a_value_that_a_const_names_is_listed() -> None:
    assert values_of(Node({"const": 3}, "x")) == (3,)
    assert values_of(Node({"type": "string"}, "x")) == ()
