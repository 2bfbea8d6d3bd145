"""Find all schemas, examples and references in an OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec.pointers import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json

_SINGLE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("$defs", "dependentSchemas", "patternProperties", "properties")
_VALUES = {"const", "default", "enum", "example", "examples", "value"}  # keywords with data, not schemas


def schemas_of(tree: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield every schema object once, with its JSON pointer. References are not followed."""
    components = tree.get("components")
    listed = components.get("schemas") if isinstance(components, dict) else None
    for name, schema in listed.items() if isinstance(listed, dict) else ():
        yield from _within(join("/components/schemas", name), schema)
    for pointer, value in _mappings("", {key: tree[key] for key in tree if key in {"paths", "components"}}):
        if "schema" in value and not pointer.startswith("/components/schemas"):
            yield from _within(join(pointer, "schema"), value["schema"])


def media_of(tree: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield every media type, parameter and header with a `schema`, with its JSON pointer."""
    for pointer, value in _mappings("", {key: tree[key] for key in tree if key in {"paths", "components"}}):
        if isinstance(value.get("schema"), dict) and not pointer.startswith("/components/schemas"):
            yield pointer, value


def references_of(tree: Json) -> Iterator[tuple[str, str]]:
    """Yield each `$ref` with the JSON pointer of its object."""
    for pointer, value in _mappings("", tree):
        if isinstance(value.get("$ref"), str):
            yield pointer, value["$ref"]


def _mappings(pointer: str, value: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    if isinstance(value, dict):
        yield pointer, value
        is_named = pointer.endswith(("/properties", "/schemas", "/examples"))
        for key, member in value.items():
            if key not in _VALUES or is_named or (key == "examples" and isinstance(member, dict)):
                yield from _mappings(join(pointer, key), member)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mappings(join(pointer, index), item)


def _within(pointer: str, schema: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for word in _SINGLE:
        yield from _within(join(pointer, word), schema.get(word))
    for word in _LISTS:
        members = schema.get(word)
        for index, member in enumerate(members if isinstance(members, list) else ()):
            yield from _within(join(pointer, word, index), member)
    for word in _MAPS:
        named = schema.get(word)
        for name, member in named.items() if isinstance(named, dict) else ():
            yield from _within(join(pointer, word, name), member)
