"""Find the fields of a create request, values for them, and a minimal body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evolink_spec.pointers import Node
from evolink_spec.schemas import keywords, properties_of, sample, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import CreateOperation, Spec

    from evolink_check.settings import Subject

# Values of each JSON type, simple values first. Neither booleans nor strings of digits are numbers.
OF_TYPE: Mapping[str, tuple[Any, ...]] = {
    "string": ("words", "6", ""),
    "integer": (7, -1),
    "number": (6.5,),
    "boolean": (True, False),
    "array": ([], ["words"]),
    "object": ({}, {"value": 6}),
    "null": (None,),
}


def create_operations(spec: Spec) -> tuple[CreateOperation, ...]:
    """Return every operation that creates a task, without duplicates."""
    by_place = {
        (operation.source, operation.pointer): operation
        for creates in spec.creates.values()
        for operation in creates.values()
    }
    return tuple(by_place.values())


def fields_of(operation: CreateOperation) -> dict[str, Node]:
    """Return the documented fields of the request body with their schemas, in document order."""
    return properties_of(_schema(operation))


def required_of(operation: CreateOperation) -> tuple[str, ...]:
    """Return the names of the required fields of a request body."""
    return tuple(keywords(_schema(operation)).get("required", ()))


def values_of(schema: Node) -> tuple[Any, ...]:
    """Return the values that the document lists for a field; empty if none."""
    present = keywords(schema)
    return tuple(present["enum"]) if "enum" in present else (present["const"],) if "const" in present else ()


def enum_fields(operation: CreateOperation) -> dict[str, tuple[Any, ...]]:
    """Return each field with the values that the document lists for it.

    The field `model`, and fields without listed values, are left out.
    """
    by_name = {name: values_of(schema) for name, schema in fields_of(operation).items() if name != "model"}
    return {name: values for name, values in by_name.items() if values}


def minimal_body(operation: CreateOperation, subject: Subject) -> dict[str, Any]:
    """Return a small valid request body with harmless values.

    The body contains the required fields. If defined, `model` and `prompt` are added.
    """
    fields = fields_of(operation)
    body = {name: sample(fields[name]) for name in required_of(operation) if name in fields}
    if "model" in fields and operation.models:
        body["model"] = operation.models[0]
    if "prompt" in fields:
        body["prompt"] = subject.prompt
    if "image_urls" in body:
        body["image_urls"] = [subject.image_url]
    return body


def json_types_of(schema: Node) -> set[Any]:
    """Return the JSON types that a field allows; empty if any type is allowed.

    If the field allows `integer` or `number`, the result contains both.
    """
    kinds = set(types_of(schema))
    return kinds | {"integer", "number"} if kinds & {"integer", "number"} else kinds


def values_of_other_types(schema: Node, most: int = 9) -> Iterator[Any]:
    """Yield at most `most` values of each JSON type that is not allowed.

    For an array, also yield lists with an item of a wrong type.
    """
    kinds = json_types_of(schema)
    for kind, values in OF_TYPE.items():
        if kinds and kind not in kinds:
            yield from values[:most]
    if "array" in kinds and "items" in keywords(schema):
        yield from ([value] for value in values_of_other_types(schema.child("items"), most))


def near_misses(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return unlisted values that are similar to listed values, such as `720P` for `720p`."""
    candidates = [near for value in values for near in _near(value)]
    numbers = [value for value in values if _is_number(value)]
    if numbers:
        candidates += [sum(numbers) // len(numbers), sum(numbers), 0, 10**30]
    listed = {json.dumps(value) for value in values}
    return tuple({json.dumps(near): near for near in candidates if json.dumps(near) not in listed}.values())


def _near(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        bare = value.rstrip("abcdefghijklmnopqrstuvwxyz")
        return (
            *(value.upper(), value.capitalize(), f"{value} ", f" {value}", f"{value}x", value[:-1], ""),
            *((bare, f"{bare}0{value[len(bare) :]}") if bare.isdigit() else ()),
        )
    if _is_number(value):
        return (value + 1, value - 1, -value, value + 0.5, value * 10)
    return ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _schema(operation: CreateOperation) -> Node:
    return Node(dict(operation.body_schema), operation.source).resolved()
