"""Body variants are unusual but valid."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from evolink_mock.domain import task_body
from evolink_mock.recipes import body_variants
from evolink_mock.recipes.recipe import Recipe
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import OPERATION, SPEC, START, a_task, a_timetable

CREATED = body_variants.answer_schema(SPEC, OPERATION)
QUERIED = body_variants.answer_schema(SPEC, SPEC.query)
BOTH = pytest.mark.parametrize("schema", [CREATED, QUERIED], ids=["create", "query"])
SEEDS = st.integers(0, 36**8)


def is_valid(schema: Any, body: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(body)


def variant(schema: Any, seed: int = 0, **fields: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(
        body_variants.encode_variant(Recipe(**fields), a_task(a_timetable()), START + 4, schema, seed)
    )
    return decoded


@BOTH
@given(SEEDS)
def test_a_random_body_is_valid_and_the_same_for_the_same_seed(schema: Any, seed: int) -> None:
    body = variant(schema, seed, shape="any")
    assert is_valid(schema, body)
    assert body == variant(schema, seed, shape="any")


@BOTH
def test_random_bodies_differ_by_seed_and_omit_properties(schema: Any) -> None:
    bodies = [variant(schema, seed, shape="any") for seed in range(30)]
    assert len({json.dumps(body) for body in bodies}) > 25
    assert any("id" not in body for body in bodies)
    assert len({body.get("status") for body in bodies}) > 3


@BOTH
def test_the_minimal_body_is_empty(schema: Any) -> None:
    assert variant(schema, shape="minimal") == {}
    assert is_valid(schema, {})


@BOTH
def test_a_full_body_has_every_documented_property(schema: Any) -> None:
    name = schema["$ref"].rpartition("/")[2]
    body = variant(schema, shape="full")
    documented = schemas_of(schema, name)
    assert documented <= body.keys()
    assert is_valid(schema, body)
    assert body["status"] == "processing"


def schemas_of(schema: Any, name: str) -> set[str]:
    decoded = schema[name]
    if "$ref" in decoded:
        decoded = schema["components"]["schemas"][decoded["$ref"].rpartition("/")[2]]
    return set(decoded["properties"])


@BOTH
def test_extra_fields_are_at_the_top_level_and_in_objects(schema: Any) -> None:
    body = variant(schema, shape="extra")
    usual = task_body.to_dict(a_task(a_timetable()), START + 4)
    assert body.keys() - usual.keys() == body_variants.UNKNOWN.keys()
    assert body["task_info"] == usual["task_info"] | body_variants.UNKNOWN
    assert is_valid(schema, body)


@BOTH
@pytest.mark.parametrize("shape", ["", "full", "extra"])
def test_a_status_word_combines_with_any_shape(schema: Any, shape: str) -> None:
    body = variant(schema, shape=shape, status_word="archived")
    assert body["status"] == "archived"
    assert not is_valid(schema, body)


ODD: dict[str, dict[str, Any]] = {
    "required": {
        "type": "object",
        "properties": {"a": {"type": "string", "minLength": 2}, "b": {}},
        "required": ["a"],
    },
    "all of": {"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"type": "object"}]},
    "one of": {"type": "object", "properties": {"a": {"oneOf": [{"type": "null"}, {"type": "array"}]}}},
    "numbers": {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 4}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
    "formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name} for name in ("uri", "date-time", "uuid", "email")
        },
        "required": ["uri", "date-time", "uuid", "email"],
    },
    "itself": {
        "$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}},
        "$ref": "#/$defs/a",
    },
}


@pytest.mark.parametrize("schema", ODD.values(), ids=ODD)
@given(SEEDS)
def test_bodies_of_many_schemas_are_valid(schema: dict[str, Any], seed: int) -> None:
    assert is_valid(schema, body_variants.random_valid(schema, {"usual": True}, seed))
    assert body_variants.random_valid(schema, {"usual": True}, seed) != {"usual": True}
    assert is_valid(schema, body_variants.minimal(schema))


def test_without_a_valid_random_body_the_usual_one_is_returned() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^b$"}}, "required": ["a"]}
    assert body_variants.random_valid(schema, {"a": "b"}, 1) == {"a": "b"}
