"""Check one OpenAPI document for mistakes. The findings have no line numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
from evolink_spec.pointers import join

from evolink_check.documents.findings import Finding
from evolink_check.documents.walk import media_of, references_of, schemas_of
from evolink_check.drift.prose.numbers import stated_numbers
from evolink_check.drift.schemas.keywords import escaped, followed, local_pointer
from evolink_check.drift.schemas.wording import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json

    from evolink_check.drift.prose.numbers import StatedNumber
    from evolink_check.drift.records import Document

_BASE = "urn:document"
_LONGEST = 160  # maximum number of characters of a problem
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DocumentCheck:
    """The checks of one OpenAPI document.

    `published` is the JSON tree of the file. `document` is the same document in the notation of OpenAPI 3.1.
    """

    def __init__(self, document: Document, published: Json) -> None:
        self._document = document
        self._tree = document.tree
        self._published = published
        self._registry = jsonschema_rs.Registry([(_BASE, {"$schema": _DIALECT, **document.tree})])

    def findings(self) -> Iterator[Finding]:
        """Run all checks and yield their findings."""
        yield from self._references()
        yield from self._nullable()
        for pointer, schema in schemas_of(self._tree):
            yield from self._annotations(pointer, schema)
            yield from self._required(pointer, schema)
            yield from self._limits(pointer, schema)
        for pointer, media in media_of(self._tree):
            yield from self._examples(pointer, media)

    def _finding(self, rule: str, pointer: str, text: str) -> Finding:
        return Finding(rule, self._document.file, pointer, text)

    def _references(self) -> Iterator[Finding]:
        for pointer, reference in references_of(self._tree):
            target = local_pointer(reference)
            if target is None or not followed(self._tree, target)[0]:
                problem = "has no target" if target is not None else "points outside the document"
                yield self._finding("dangling-ref", join(pointer, "$ref"), f"{reference} {problem}")

    def _nullable(self) -> Iterator[Finding]:
        for pointer, schema in schemas_of(self._published):
            if isinstance(schema.get("nullable"), bool):
                text = "is `nullable` as in OpenAPI 3.0; validators of 3.1 ignore it"
                yield self._finding("nullable", join(pointer, "nullable"), text)

    def _annotations(self, pointer: str, schema: dict[str, Json]) -> Iterator[Finding]:
        for word, rule in (("default", "default-invalid"), ("example", "example-invalid")):
            if word in schema:
                yield from self._value(rule, pointer, schema[word], join(pointer, word))
        listed = schema.get("examples")
        for index, value in enumerate(listed if isinstance(listed, list) else ()):
            yield from self._value("example-invalid", pointer, value, join(pointer, "examples", index))

    def _value(self, rule: str, schema: str, value: Json, place: str) -> Iterator[Finding]:
        problem = self._problem(schema, value)
        if problem:
            yield self._finding(rule, place, problem)

    def _problem(self, pointer: str, value: Json) -> str:
        schema = {"$schema": _DIALECT, "$ref": f"{_BASE}#{escaped(pointer)}"}
        try:
            validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, registry=self._registry
            )
        # a schema that cannot be compiled has no finding here
        except ValueError:
            return ""
        error = next(validator.iter_errors(value), None)
        if error is None:
            return ""
        place = join("", *error.instance_path)
        return f"{f'at {place}: ' if place else ''}{error.message}"[:_LONGEST]

    def _required(self, pointer: str, schema: dict[str, Json]) -> Iterator[Finding]:
        required, properties = schema.get("required"), schema.get("properties")
        if not isinstance(required, list) or not isinstance(properties, dict):
            return
        for name in required:
            if name not in properties and "allOf" not in schema:
                yield self._finding(
                    "required-undeclared", join(pointer, "required"), f"{name!r} is not described"
                )
        for name in [name for name in required if name in properties]:
            where, member = self._resolved(join(pointer, "properties", name), properties[name])
            if member.get("type") == "array" and not member.get("minItems") and not _stated_minimum(member):
                text = f"{name!r} is required, but may be an empty list"
                yield self._finding("min-items-missing", where, text)

    def _resolved(self, pointer: str, value: Json) -> tuple[str, dict[str, Any]]:
        target = local_pointer(value.get("$ref")) if isinstance(value, dict) else None
        if target is not None:
            pointer, value = target, followed(self._tree, target)[1]
        return pointer, value if isinstance(value, dict) else {}

    def _limits(self, pointer: str, schema: dict[str, Json]) -> Iterator[Finding]:
        least = _stated_minimum(schema)
        if schema.get("type") == "array" and least and not schema.get("minItems"):
            yield self._finding(
                "min-items-missing",
                pointer,
                f"the description demands {least.shown}, but there is no `minItems`",
            )
        for kind, word, unit in (("array", "maxItems", "count"), ("string", "maxLength", "characters")):
            if schema.get("type") == kind and word not in schema and "enum" not in schema:
                stated = [
                    fact
                    for fact in _facts(schema)
                    if fact.kind == unit and fact.bound == "max" and not fact.soft
                ]
                if stated:
                    text = f"the description allows at most {stated[0].shown}, but there is no `{word}`"
                    yield self._finding("limit-only-in-prose", pointer, text)

    def _examples(self, pointer: str, media: dict[str, Json]) -> Iterator[Finding]:
        where = join(pointer, "schema")
        values = [(join(pointer, "example"), media["example"])] if "example" in media else []
        listed = media.get("examples")
        for name, example in listed.items() if isinstance(listed, dict) else ():
            if isinstance(example, dict) and "value" in example:
                values.append((join(pointer, "examples", name, "value"), example["value"]))
        for place, value in values:
            yield from self._value("example-invalid", where, value, place)
            yield from self._undeclared(where, value, place)

    def _undeclared(self, where: str, value: Json, place: str) -> Iterator[Finding]:
        _, schema = self._resolved(where, followed(self._tree, where)[1])
        properties = schema.get("properties")
        if (
            not isinstance(value, dict)
            or not isinstance(properties, dict)
            or {"allOf", "anyOf", "oneOf"} & {*schema}
        ):
            return
        for name in [name for name in value if name not in properties]:
            text = f"{value_text(name)!r} is not described"
            yield self._finding("example-undeclared-member", join(place, name), text)


def _facts(schema: dict[str, Json]) -> list[StatedNumber]:
    description = schema.get("description")
    return [*stated_numbers(description, "")] if isinstance(description, str) else []


def _stated_minimum(schema: dict[str, Json]) -> StatedNumber | None:
    counts = [fact for fact in _facts(schema) if fact.kind == "count" and not fact.soft]
    return next((fact for fact in counts if fact.bound == "min" and fact.value >= 1), None)
