from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from evolink_spec.errors import SpecError
from evolink_spec.pointers import Node, follow, tokens
from evolink_spec.schemas import check, check_value, defaults_of, properties_of, sample, standalone, types_of
from hypothesis import given
from hypothesis import strategies as st
from support.records.spec_documents import VENDORED_CREATE, VENDORED_QUERY, changed, places

# A schema with something under every keyword that holds schemas, each of them a mapping.
WHOLE: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "string"}, "prefixItems": [{"minLength": 1}]}},
    "patternProperties": {"^x": {"type": "integer"}},
    "additionalProperties": {"not": {"const": 1}},
    "propertyNames": {"pattern": "^[a-z]+$"},
    "dependentSchemas": {"a": {"required": ["b"]}},
    "allOf": [{"if": {"required": ["a"]}, "then": {"minProperties": 1}, "else": {"maxProperties": 3}}],
    "anyOf": [{"$ref": "#/components/schemas/Part"}, {"contains": {"type": "null"}}],
    "oneOf": [{"title": "one"}],
    "unevaluatedProperties": {"contentSchema": {"type": "object"}},
}
PARTS: dict[str, Any] = {
    "Part": {"properties": {"more": {"$ref": "#/components/schemas/Deeper"}}},
    "Deeper": {"type": "string"},
}


def node(schema: Any, **components: Any) -> Node:
    """The schema as the component `Subject` of a document, beside others."""
    document = {"components": {"schemas": {"Subject": schema, **components}}}
    return Node(document, "d.json").child("components").child("schemas").child("Subject")


def refused(call: Any, *arguments: Any) -> SpecError:
    with pytest.raises(SpecError) as caught:
        call(*arguments)
    assert caught.value.source == "d.json"
    return caught.value


def schemas_in(value: Any, pointer: str = "") -> list[str]:
    """Where a schema without `$ref` stands: a mapping that is not the mapping of a keyword."""
    maps = {"properties", "patternProperties", "dependentSchemas"}
    found = [pointer, *(at for at in places(value) if isinstance(follow(value, at, ""), dict))]
    schemas = [at for at in found if not at or tokens(at)[-1] not in maps]
    return [at for at in schemas if "$ref" not in follow(value, at, "")]


# Which keywords are understood


def test_every_keyword_that_holds_schemas_is_looked_into() -> None:
    assert check(node(WHOLE, **PARTS)).is_valid({"abc": 2})


@given(
    st.sampled_from(schemas_in(WHOLE)),
    st.sampled_from(["nullable", "unknown", "$id", "$anchor", "$dynamicRef"]),
)
def test_a_keyword_that_is_not_understood_is_refused_where_it_stands(pointer: str, keyword: str) -> None:
    error = refused(check, node(changed(WHOLE, f"{pointer}/{keyword}", {}), **PARTS))
    assert error.pointer == f"/components/schemas/Subject{pointer}/{keyword}"
    assert "is not a supported keyword of JSON Schema 2020-12 or OpenAPI 3.1" in error.problem


def test_every_keyword_that_holds_no_schema_is_understood() -> None:
    numbers = {"maximum": 9, "minimum": 1, "exclusiveMaximum": 9, "exclusiveMinimum": 1, "multipleOf": 0.5}
    texts = {"maxLength": 9, "minLength": 1, "pattern": "a", "format": "uri", "contentEncoding": "base64"}
    lists = {"maxItems": 9, "minItems": 1, "uniqueItems": True, "maxContains": 2, "minContains": 0}
    objects = {"maxProperties": 9, "minProperties": 1, "required": [], "dependentRequired": {"a": ["b"]}}
    openapi = {"discriminator": {"propertyName": "a"}, "xml": {}, "externalDocs": {}, "example": 1}
    notes = {"title": "T", "description": "D", "deprecated": True, "readOnly": True, "writeOnly": False}
    rest = {
        "$comment": "C",
        "const": 1,
        "enum": [1],
        "examples": [1],
        "default": 1,
        "$defs": {},
        "type": "integer",
    }
    media = {"contentMediaType": "image/png"}
    whole = numbers | texts | lists | objects | openapi | notes | rest | media
    assert check(node(whole)).is_valid(1) is False  # 1 is not above 1


@pytest.mark.parametrize("place", ["Part", "Deeper"])
def test_a_schema_that_is_referred_to_is_checked_as_well(place: str) -> None:
    parts = PARTS | {place: PARTS[place] | {"nullable": True}}
    assert refused(check, node(WHOLE, **parts)).pointer == f"/components/schemas/{place}/nullable"


def test_a_schema_that_nothing_refers_to_is_not() -> None:
    assert check(node(WHOLE, **PARTS, Other={"nullable": True}))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "strin"}, "/type"),
        ({"required": "a"}, "/required"),
        ({"enum": "abc"}, "/enum"),
        ({"properties": {"a": {"pattern": "("}}}, "/properties/a/pattern"),
        ({"properties": {"a": {"minLength": -1}}}, "/properties/a/minLength"),
        ({"properties": {"a": {"exclusiveMinimum": True}}}, "/properties/a/exclusiveMinimum"),
        ({"uniqueItems": "yes"}, "/uniqueItems"),
        ({"else": {"required": 3}}, "/else/required"),
        ({"examples": {"a": {"value": 1}}}, "/examples"),
        ({"properties": ["a"]}, "/properties"),
        ({"allOf": {"a": 1}}, "/allOf"),
        ({"items": [{"type": "string"}]}, "/items"),
        ({"anyOf": [{}, 3]}, "/anyOf/1"),
    ],
)
def test_a_keyword_with_a_value_that_it_cannot_have_is_refused_where_it_stands(
    schema: dict[str, Any], pointer: str
) -> None:
    error = refused(check, node(schema))
    assert error.pointer == f"/components/schemas/Subject{pointer}"
    assert "\n" not in error.problem
    referring = node({"properties": {"a": {"$ref": "#/components/schemas/Part"}}}, Part=schema)
    assert refused(check, referring).pointer == f"/components/schemas/Part{pointer}"


@pytest.mark.parametrize(
    ("schema", "at", "problem"),
    [
        (
            {"$ref": "#/components/schemas/Deeper", "maxLength": 3},
            "/maxLength",
            "only annotations are supported",
        ),
        ({"$ref": "#/components/schemas/None"}, "/components/schemas/None", "does not exist"),
        ({"$ref": "#/paths"}, "/paths", "does not exist"),
        ({"$ref": "#/components"}, "/a", "a schema of the components is expected"),
        ({"$ref": "#/components/schemas"}, "/a", "a schema of the components is expected"),
        ({"$ref": "other.yaml#/a"}, "/a", "only references within the same document"),
        ({"$ref": "#Deeper"}, "/a", "only references within the same document"),
        ({"$ref": ["#/components/schemas/Deeper"]}, "/a", "only references within the same document"),
        ({"$ref": "#/components/schemas/Round"}, "/Round", "refers to itself"),
    ],
)
def test_a_reference_that_is_not_understood_is_refused(schema: Any, at: str, problem: str) -> None:
    circle = {"$ref": "#/components/schemas/Round"}
    error = refused(check, node({"properties": {"a": schema}}, **PARTS, Round=circle))
    assert error.pointer.endswith(at)
    assert problem in error.problem


def test_notes_may_stand_beside_a_reference() -> None:
    part = {"$ref": "#/components/schemas/Deeper", "description": "So", "default": "a", "x-mine": {"b": 1}}
    assert check(node({"properties": {"a": part}}, **PARTS)).is_valid({"a": "text"})


def test_a_reference_may_lead_to_true() -> None:
    schema = node({"properties": {"a": {"$ref": "#/components/schemas/Any", "title": "A"}}}, Any=True)
    assert check(schema).is_valid({"a": 1})
    assert sample(schema) == {"a": None}


def test_a_schema_that_contains_itself_is_understood() -> None:
    tree = {"properties": {"left": {"$ref": "#/components/schemas/Subject"}, "leaf": {"type": "integer"}}}
    schema = node(tree)
    assert check(schema).is_valid({"left": {"left": {"leaf": 1}}})
    assert not check(schema).is_valid({"left": {"left": {"leaf": "1"}}})
    assert sample(schema) == {"leaf": 0}


# A schema that stands alone


def test_a_schema_that_stands_alone_carries_what_it_refers_to_and_nothing_else() -> None:
    found = standalone(node(WHOLE, **PARTS, Other={"type": "null"}))
    assert found["components"] == {"schemas": PARTS}
    assert "components" not in standalone(node({"type": "string"}, **PARTS))


@pytest.mark.parametrize(
    ("reference", "name"),
    [("#/components/schemas/a~1b%20c", "a/b c"), ("#/components/schemas/Part/properties/more", "Part")],
)
def test_a_reference_means_the_same_in_the_schema_that_stands_alone(reference: str, name: str) -> None:
    parts = PARTS | {"a/b c": {"type": "string"}}
    found = standalone(node({"properties": {"a": {"$ref": reference}}}, **parts))
    assert name in found["components"]["schemas"]
    is_valid = jsonschema_rs.Draft202012Validator(found).is_valid
    assert [is_valid({"a": value}) for value in ("text", 3)] == [True, False]


# The properties that a schema describes


def test_properties_are_read_through_all_of() -> None:
    schema = {"properties": {"a": {}}, "allOf": [{"$ref": "#/components/schemas/Part"}, {"required": ["a"]}]}
    found = properties_of(node(schema, Part={"allOf": [{"properties": {"b": {"title": "B"}}}]}))
    assert {name: one.value for name, one in found.items()} == {"a": {}, "b": {"title": "B"}}
    assert found["b"].pointer == "/components/schemas/Part/allOf/0/properties/b"


@pytest.mark.parametrize("schema", [True, False])
def test_true_and_false_describe_no_properties(schema: Any) -> None:
    assert properties_of(node(schema)) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"required": ["a"]}, {"properties": {"a": {"const": 1}}}]},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}},
        {"not": {"properties": {"a": {"const": 1}}}},
        {"dependentSchemas": {"a": {"properties": {"a": {"const": 1}}}}},
    ],
)
def test_a_condition_may_speak_of_a_property_that_is_described(schema: dict[str, Any]) -> None:
    assert [*properties_of(node(schema | {"properties": {"a": {}}}))] == ["a"]


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"anyOf": [{"properties": {"b": {}}}]}, "/anyOf/0/properties/b"),
        ({"oneOf": [True, {"allOf": [{"properties": {"b": {}}}]}]}, "/oneOf/1/allOf/0/properties/b"),
        ({"then": {"properties": {"b": {}}}}, "/then/properties/b"),
        ({"else": {"properties": {"b": {}}}}, "/else/properties/b"),
        ({"dependentSchemas": {"a": {"properties": {"b": {}}}}}, "/dependentSchemas/a/properties/b"),
    ],
)
def test_a_property_that_is_described_only_under_a_condition_is_refused(
    schema: dict[str, Any], pointer: str
) -> None:
    error = refused(properties_of, node(schema | {"properties": {"a": {}}}))
    assert error.pointer == f"/components/schemas/Subject{pointer}"
    assert "is described only under a condition" in error.problem


def test_a_property_that_is_described_twice_is_refused() -> None:
    error = refused(properties_of, node({"properties": {"a": {}}, "allOf": [{"properties": {"a": {}}}]}))
    assert error.pointer == "/components/schemas/Subject/allOf/0/properties/a"
    assert "is also described elsewhere" in error.problem


def test_the_types_of_a_schema_are_a_list() -> None:
    assert [types_of(node(one)) for one in ({"type": "a"}, {"type": ["a", "b"]}, {}, True)] == [
        ["a"],
        ["a", "b"],
        [],
        [],
    ]


# Values that the document gives


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 1, "example": 2}, 1),
        ({"example": None, "default": 2}, None),
        ({"default": 2, "examples": [3]}, 2),
        ({"examples": [3, 4], "enum": [5]}, 3),
        ({"enum": [5, 6], "type": "string"}, 5),
        ({"examples": [], "type": "integer"}, 0),
        ({"type": "string"}, ""),
        ({"type": "boolean"}, False),
        ({"type": "number"}, 0),
        ({"type": "array", "items": {"example": 1}}, []),
        ({"type": ["null", "string"]}, None),
        ({"type": ["object", "null"]}, {}),
        ({"properties": {"a": {"type": "string"}, "b": True}}, {"a": "", "b": None}),
        (
            {"allOf": [{"properties": {"a": {"example": 1}}}], "properties": {"b": {"example": 2}}},
            {"a": 1, "b": 2},
        ),
        ({"allOf": [{"$ref": "#/components/schemas/Deeper"}, {"example": "c"}]}, ""),
        ({"allOf": [{"minimum": 1}, {"type": "integer", "example": 7}]}, 7),
        ({"allOf": [{"example": {"a": 1}}, {"example": {"b": 2}}]}, {"a": 1, "b": 2}),
        ({"anyOf": [{"$ref": "#/components/schemas/Deeper"}, {"type": "null"}]}, ""),
        ({"oneOf": [{"properties": {"a": {"example": 1}}}, {"type": "null"}]}, {"a": 1}),
        ({"$ref": "#/components/schemas/Deeper", "example": "beside"}, "beside"),
        ({"allOf": [{"$ref": "#/components/schemas/Subject"}], "type": "string"}, ""),
        ({}, None),
        (True, None),
    ],
)
def test_a_sample_is_what_the_words_of_the_schema_suggest(schema: Any, value: Any) -> None:
    found = sample(node(schema, **PARTS))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (VENDORED_CREATE, "VideoGenerationResponse"),
        (VENDORED_CREATE, "GrokImagineImageToVideoRequest"),
        (VENDORED_QUERY, "TaskDetailResponse"),
    ],
)
def test_the_sample_of_a_vendored_schema_keeps_it(document: Any, name: str) -> None:
    schema = Node(document, "d.json").child("components").child("schemas").child(name)
    assert check(schema).is_valid(sample(schema))
    assert sample(schema).keys() == schema.value["properties"].keys()


def test_a_value_that_breaks_its_own_schema_is_refused_where_it_is_given() -> None:
    schema = node({"properties": {"a": {"items": {"format": "uri"}}}})
    check_value(schema, {"a": ["https://example.com"]}, schema, "the example")
    error = refused(check_value, schema, {"a": ["no link"]}, schema.below("example", 1), "the example")
    assert error.pointer == "/components/schemas/Subject/example"
    assert error.problem.startswith("the example does not match its own schema at /a/0: ")


def test_defaults_are_those_of_the_properties_that_have_one() -> None:
    properties = properties_of(
        node({"properties": {"a": {"default": None}, "b": {}, "c": True, "d": {"default": 1}}})
    )
    assert dict(defaults_of(properties)) == {"a": None, "d": 1}


@pytest.mark.parametrize("default", ["4k", None, 480])
def test_a_default_that_breaks_its_own_schema_is_refused(default: Any) -> None:
    properties = properties_of(node({"properties": {"a": {"enum": ["480p", "720p"], "default": default}}}))
    error = refused(dict, defaults_of(properties))
    assert error.pointer == "/components/schemas/Subject/properties/a/default"
