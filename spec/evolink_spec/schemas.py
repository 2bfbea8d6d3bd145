"""Schema objects: which keywords are understood, a schema that stands alone, and its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolink_spec.errors import SpecError
from evolink_spec.pointers import Node, follow, join, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json

# JSON Schema 2020-12 and what OpenAPI 3.1 adds to it. A word that is not here is an error: a schema
# that says more than we read would make the server answer yes where the document says no. The words
# that change what a `$ref` means (`$id`, `$anchor`, `$schema`, …) are not here.
_BRANCHES = {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
_BRANCHES |= {"contentSchema", "unevaluatedItems", "unevaluatedProperties"}
_BRANCH_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_BRANCH_MAPS = {"$defs", "dependentSchemas", "patternProperties", "properties"}
_NOTES = {
    *("$comment", "default", "deprecated", "description", "example", "examples", "externalDocs"),
    *("readOnly", "title", "writeOnly"),
}
_PLAIN = {
    *("$ref", "const", "contentEncoding", "contentMediaType", "dependentRequired", "discriminator"),
    *("enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength"),
    *("maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum"),
    *("multipleOf", "pattern", "required", "type", "uniqueItems", "xml"),
}
# What a schema may say of the very value that it is about, beside `properties` and `allOf`.
_ALTERNATIVES = ("anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then")
_SUBJECT = "x-subject"
_OF_TYPE: dict[Json, Json] = {"array": [], "boolean": False, "integer": 0, "number": 0, "string": ""}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def keywords(schema: Node) -> dict[str, Json]:
    """The keywords of a schema; none for `true` and `false`."""
    return {} if isinstance(schema.value, bool) else schema.mapping()


def types_of(schema: Node) -> list[Json]:
    """The types that a schema names; none when it names none."""
    said = keywords(schema).get("type", [])
    return said if isinstance(said, list) else [said]


def properties_of(schema: Node) -> dict[str, Node]:
    """Every property that the schema describes, in itself and through `allOf`.

    `SpecError` for one that is described in two places or only under a condition: it could not be
    said which description counts.
    """
    found = dict(schema.child("properties").children()) if "properties" in keywords(schema) else {}
    for part in schema.child("allOf").items() if "allOf" in keywords(schema) else ():
        for name, node in properties_of(part).items():
            if found.setdefault(name, node) is not node:
                raise node.error("is described in another place too: put both into one")
    for node in _alternatives(schema):
        for name, described in properties_of(node).items():
            if name not in found:
                raise described.error("is described only under a condition, which is not understood")
    return found


def _alternatives(schema: Node) -> Iterator[Node]:
    for word in _ALTERNATIVES:
        if word in keywords(schema):
            node = schema.child(word)
            if word in _BRANCH_LISTS:
                yield from node.items()
            elif word in _BRANCH_MAPS:
                yield from (below for _, below in node.children())
            else:
                yield node


def check(schema: Node) -> Any:
    """The compiled validator of a schema; `SpecError` where it, or one it refers to, is not understood."""
    import jsonschema_rs

    for node in (schema, *_components(schema)):
        if isinstance(node.value, dict):
            try:
                jsonschema_rs.meta.validate({"$schema": DIALECT, **node.value})
            except ValueError as error:
                raise _misfit(node, error) from error
    try:
        return jsonschema_rs.Draft202012Validator(standalone(schema), validate_formats=True)
    except ValueError as error:
        raise _misfit(schema, error) from error


def check_value(schema: Node, value: Json, place: Node, what: str) -> None:
    """Raise `SpecError` at `place` when the schema refuses a value that the document itself gives."""
    validator = check(schema)
    try:
        error = next(validator.iter_errors(value), None)
    except ValueError as deep:
        error = deep
    if error is not None:
        path, message = _where_and_what(error)
        raise place.error(f"{what} breaks its own schema at {join('', *path) or 'its top'}: {message}")


def defaults_of(properties: dict[str, Node]) -> Iterator[tuple[str, Json]]:
    """The properties that have a default, each with it; `SpecError` for one that breaks its own schema."""
    for name, node in properties.items():
        if "default" in keywords(node):
            value = keywords(node)["default"]
            check_value(node, value, node.below("default", value), "the default")
            yield name, value


def standalone(schema: Node) -> dict[str, Json]:
    """The schema with the components that it refers to, directly or not, so that it can be read alone."""
    components = {tokens(node.pointer)[-1]: node.value for node in _components(schema)}
    found = {"$schema": DIALECT, "$ref": f"#/{_SUBJECT}", _SUBJECT: schema.value}
    return {**found, "components": {"schemas": components}} if components else found


def _misfit(node: Node, error: ValueError) -> SpecError:
    """What is wrong with a schema. The path of the error begins at it, or where it stands alone."""
    path, message = _where_and_what(error)
    pointer = "" if path[:1] == ["components"] else node.pointer
    path = path[1:] if path[:1] == [_SUBJECT] else path
    return SpecError(node.source, join(pointer, *path), f"is no valid schema: {message}")


def _where_and_what(error: ValueError) -> tuple[list[str | int], str]:
    """The path and the message of an error of jsonschema-rs, which has neither when it is about depth."""
    return list(getattr(error, "instance_path", [])), f"{getattr(error, 'message', error)!s:.200}"


def _components(schema: Node) -> list[Node]:
    """Every component that the schema refers to, directly or not, the keywords of all of them checked."""
    found: dict[str, Node] = {}
    pending = [schema]
    while pending:
        for node in _within(pending.pop()):
            if "$ref" in keywords(node):
                component = _component(node)
                if component.pointer not in found:
                    found[component.pointer] = component
                    pending.append(component)
    return list(found.values())


def _within(schema: Node) -> Iterator[Node]:
    """The schema and every schema written inside it, `$ref`s not followed."""
    yield schema
    for key, value in keywords(schema).items():
        node = schema.below(key, value)
        if key in _BRANCHES:
            yield from _within(node)
        elif key in _BRANCH_LISTS:
            for index, _ in enumerate(node.items()):
                yield from _within(node.below(index, value[index]))
        elif key in _BRANCH_MAPS:
            for name, member in node.mapping().items():
                yield from _within(node.below(name, member))
        elif key not in _PLAIN and key not in _NOTES and not key.startswith("x-"):
            raise node.error("is no keyword of JSON Schema 2020-12 or OpenAPI 3.1 that is understood here")


def _component(reference: Node) -> Node:
    """The component that a `$ref` leads to or into."""
    for key, value in reference.mapping().items():
        if key != "$ref" and key not in _NOTES and not key.startswith("x-"):
            raise reference.below(key, value).error("stands beside `$ref`, where only notes are understood")
    reference.resolved()  # leads somewhere, and not in a circle
    way = tokens(unquote(reference.value["$ref"]))
    if way[:2] != ["components", "schemas"] or not way[2:]:
        raise reference.error(
            f"refers to {reference.value['$ref']!r}: a schema of the components is expected"
        )
    pointer = join("", *way[:3])
    found = follow(reference.document, pointer, reference.source)
    return Node(reference.document, reference.source, pointer, found)


def sample(schema: Node, within: frozenset[str] = frozenset()) -> Json:
    """The value that the schema's own words suggest: const, example, default, first of enum, or of its type."""
    said = keywords(schema)
    for word in ("const", "example", "default"):
        if word in said:
            return said[word]
    for word in ("examples", "enum"):
        if said.get(word):
            return said[word][0]
    within |= {schema.pointer}
    parts = [sample(part, within) for part in _parts(schema) if part.pointer not in within]
    kind = next(iter(types_of(schema)), None)
    if kind == "object" or "properties" in said or any(isinstance(part, dict) for part in parts):
        return _sample_object(schema, parts, within)
    found = next((part for part in parts if part is not None), None)
    return _OF_TYPE.get(kind) if found is None else found


def _parts(schema: Node) -> list[Node]:
    """The schemas that a value must keep as well: all of `allOf`, one of the others."""
    said = keywords(schema)
    found = schema.child("allOf").items() if "allOf" in said else []
    return found + [schema.child(word).items()[0] for word in ("anyOf", "oneOf") if said.get(word)]


def _sample_object(schema: Node, parts: list[Json], within: frozenset[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for part in parts:
        found |= part if isinstance(part, dict) else {}
    members = schema.child("properties").children() if "properties" in keywords(schema) else []
    return found | {name: sample(node, within) for name, node in members if node.pointer not in within}
