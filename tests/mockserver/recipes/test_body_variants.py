"""Odd bodies keep the schema all the same."""

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
from support.builders import OPERATION, SPEC, START, a_plan, a_task

CREATED = body_variants.answer_schema(SPEC, OPERATION)
QUERIED = body_variants.answer_schema(SPEC, SPEC.query)
BOTH = pytest.mark.parametrize("schema", [CREATED, QUERIED], ids=["create", "query"])
SEEDS = st.integers(0, 36**8)


def keeps(schema: Any, body: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(body)


def made(schema: Any, seed: int = 0, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        body_variants.encode_variant(Recipe(**asked), a_task(a_plan()), START + 4, schema, seed)
    )
    return found


@BOTH
@given(SEEDS)
def test_any_body_keeps_the_schema_and_is_the_same_for_the_same_seed(schema: Any, seed: int) -> None:
    body = made(schema, seed, shape="any")
    assert keeps(schema, body)
    assert body == made(schema, seed, shape="any")


@BOTH
def test_any_body_differs_from_seed_to_seed_and_leaves_things_out(schema: Any) -> None:
    bodies = [made(schema, seed, shape="any") for seed in range(30)]
    assert len({json.dumps(body) for body in bodies}) > 25
    assert any("id" not in body for body in bodies)
    assert len({body.get("status") for body in bodies}) > 3


@BOTH
def test_the_least_that_the_documents_require_is_nothing(schema: Any) -> None:
    assert made(schema, shape="minimal") == {}
    assert keeps(schema, {})


@BOTH
def test_a_full_body_has_every_documented_property(schema: Any) -> None:
    name = schema["$ref"].rpartition("/")[2]
    body = made(schema, shape="full")
    documented = schemas_of(schema, name)
    assert documented <= body.keys()
    assert keeps(schema, body)
    assert body["status"] == "processing"


def schemas_of(schema: Any, name: str) -> set[str]:
    found = schema[name]
    if "$ref" in found:
        found = schema["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return set(found["properties"])


@BOTH
def test_unknown_fields_stand_at_the_top_and_within(schema: Any) -> None:
    body = made(schema, shape="extra")
    usual = task_body.to_dict(a_task(a_plan()), START + 4)
    assert body.keys() - usual.keys() == body_variants.UNKNOWN.keys()
    assert body["task_info"] == usual["task_info"] | body_variants.UNKNOWN
    assert keeps(schema, body)


@BOTH
@pytest.mark.parametrize("shape", ["", "full", "extra"])
def test_a_word_of_the_status_goes_with_any_shape(schema: Any, shape: str) -> None:
    body = made(schema, shape=shape, status_word="archived")
    assert body["status"] == "archived"
    assert not keeps(schema, body)


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
def test_bodies_of_many_schemas_keep_them(schema: dict[str, Any], seed: int) -> None:
    assert keeps(schema, body_variants.random_valid(schema, {"usual": True}, seed))
    assert body_variants.random_valid(schema, {"usual": True}, seed) != {"usual": True}
    assert keeps(schema, body_variants.minimal(schema))


def test_where_no_body_is_found_it_is_the_usual_one() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^b$"}}, "required": ["a"]}
    assert body_variants.random_valid(schema, {"a": "b"}, 1) == {"a": "b"}
