"""Replace `nullable: true` with the type `null` of JSON Schema 2020-12.

`nullable` is a keyword of OpenAPI 3.0. Some OpenAPI 3.1 documents use `nullable`, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_spec.models import Json

_VALUES = {"const", "default", "enum", "example", "examples"}


def with_null_types(value: Json) -> Json:
    """Return a copy of a document with the type `null` for `nullable: true`."""
    if isinstance(value, list):
        return [with_null_types(member) for member in value]
    if not isinstance(value, dict):
        return value
    copy = {key: member if key in _VALUES else with_null_types(member) for key, member in value.items()}
    if not isinstance(copy.get("nullable"), bool):  # a property of that name has a schema here
        return copy
    return _or_null(copy) if copy.pop("nullable") else copy


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    if "$ref" in schema:
        rest = {key: member for key, member in schema.items() if key != "$ref"}
        return {**rest, "anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}]}
    types = schema.get("type")
    if isinstance(types, str):
        schema["type"] = [types, "null"]
    elif isinstance(types, list) and "null" not in types:
        schema["type"] = [*types, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema
