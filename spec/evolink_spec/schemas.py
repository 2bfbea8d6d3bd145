"""JSON schemas in OpenAPI documents: the supported keywords, self-contained copies, and sample values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolink_spec.errors import SpecError
from evolink_spec.pointers import Node, follow, join, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json

# The keywords of JSON Schema 2020-12 and OpenAPI 3.1. Any other keyword is an error, because a server that ignored
# the keyword would accept requests that the document rejects. Keywords that change the meaning of a `$ref` (`$id`,
# `$anchor`, `$schema`, …) are not supported.
_BRANCHES = {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
_BRANCHES |= {"contentSchema", "unevaluatedItems", "unevaluatedProperties"}
_BRANCH_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_BRANCH_MAPS = {"$defs", "dependentSchemas", "patternProperties", "properties"}
_ANNOTATIONS = {
    *("$comment", "default", "deprecated", "description", "example", "examples", "externalDocs"),
    *("readOnly", "title", "writeOnly"),
}
_PLAIN = {
    *("$ref", "const", "contentEncoding", "contentMediaType", "dependentRequired", "discriminator"),
    *("enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength"),
    *("maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum"),
    *("multipleOf", "pattern", "required", "type", "uniqueItems", "xml"),
}
# Keywords, other than `allOf`, whose subschemas apply to the value itself.
_ALTERNATIVES = ("anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then")
_SUBJECT = "x-subject"
_OF_TYPE: dict[Json, Json] = {"array": [], "boolean": False, "integer": 0, "number": 0, "string": ""}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def keywords(schema: Node) -> dict[str, Json]:
    """Return the keywords of a schema with their values.

    The schemas `true` and `false` have no keywords.
    """
    return {} if isinstance(schema.value, bool) else schema.mapping()


def types_of(schema: Node) -> list[Json]:
    """Return the types that a schema allows.

    The result is empty if the schema has no `type`.
    """
    types = keywords(schema).get("type", [])
    return types if isinstance(types, list) else [types]


def properties_of(schema: Node) -> dict[str, Node]:
    """Return every property that the schema describes directly or through `allOf`.

    Raises `SpecError` if a property is described twice in these places. Raises `SpecError` if a property is described
    only under a condition, for example in a branch of `oneOf`.
    """
    properties = dict(schema.child("properties").children()) if "properties" in keywords(schema) else {}
    for part in schema.child("allOf").items() if "allOf" in keywords(schema) else ():
        for name, node in properties_of(part).items():
            if properties.setdefault(name, node) is not node:
                raise node.error("is also described elsewhere: merge the two descriptions")
    for node in _alternatives(schema):
        for name, described in properties_of(node).items():
            if name not in properties:
                raise described.error("is described only under a condition, which is not supported")
    return properties


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
    """Return the compiled validator of a schema.

    Raises `SpecError` if the schema is invalid or not supported. Referenced schemas are checked, too.
    """
    import jsonschema_rs

    for node in (schema, *_components(schema)):
        if isinstance(node.value, dict):
            try:
                jsonschema_rs.meta.validate({"$schema": DIALECT, **node.value})
            except ValueError as error:
                raise _invalid_schema(node, error) from error
    return _validator(schema)


def _validator(schema: Node) -> Any:
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(standalone(schema), validate_formats=True)
    except ValueError as error:
        raise _invalid_schema(schema, error) from error


def check_value(schema: Node, value: Json, place: Node, what: str) -> None:
    """Raise `SpecError` with the location `place` if `value` does not match `schema`.

    The schema must be valid. `what` describes the value in the error message (such as `the default`).
    """
    validator = _validator(schema)
    try:
        error = next(validator.iter_errors(value), None)
    except ValueError as deep:
        error = deep
    if error is not None:
        path, message = _path_and_message(error)
        raise place.error(
            f"{what} does not match its own schema at {join('', *path) or 'its top'}: {message}"
        )


def defaults_of(properties: dict[str, Node]) -> Iterator[tuple[str, Json]]:
    """Yield the name and the default of each property with a default.

    Raises `SpecError` if a default does not match the schema of its property.
    """
    for name, node in properties.items():
        if "default" in keywords(node):
            value = keywords(node)["default"]
            check_value(node, value, node.below("default", value), "the default")
            yield name, value


def standalone(schema: Node) -> dict[str, Json]:
    """Return a copy of the schema with all referenced components."""
    components = {tokens(node.pointer)[-1]: node.value for node in _components(schema)}
    copy = {"$schema": DIALECT, "$ref": f"#/{_SUBJECT}", _SUBJECT: schema.value}
    return {**copy, "components": {"schemas": components}} if components else copy


def _invalid_schema(node: Node, error: ValueError) -> SpecError:
    path, message = _path_and_message(error)
    # The path begins at the schema, or at the copy made by `standalone`, in which the schema is below `_SUBJECT`.
    pointer = "" if path[:1] == ["components"] else node.pointer
    path = path[1:] if path[:1] == [_SUBJECT] else path
    return SpecError(node.source, join(pointer, *path), f"is not a valid schema: {message}")


def _path_and_message(error: ValueError) -> tuple[list[str | int], str]:
    return list(getattr(error, "instance_path", [])), f"{getattr(error, 'message', error)!s:.200}"


def _components(schema: Node) -> list[Node]:
    components: dict[str, Node] = {}
    pending = [schema]
    while pending:
        for node in _nested_schemas(pending.pop()):
            if "$ref" in keywords(node):
                component = _whole_component(node)
                if component.pointer not in components:
                    components[component.pointer] = component
                    pending.append(component)
    return list(components.values())


def _nested_schemas(schema: Node) -> Iterator[Node]:
    yield schema
    for key, value in keywords(schema).items():
        node = schema.below(key, value)
        if key in _BRANCHES:
            yield from _nested_schemas(node)
        elif key in _BRANCH_LISTS:
            for index, _ in enumerate(node.items()):
                yield from _nested_schemas(node.below(index, value[index]))
        elif key in _BRANCH_MAPS:
            for name, member in node.mapping().items():
                yield from _nested_schemas(node.below(name, member))
        elif key not in _PLAIN and key not in _ANNOTATIONS and not key.startswith("x-"):
            raise node.error("is not a supported keyword of JSON Schema 2020-12 or OpenAPI 3.1")


def _whole_component(reference: Node) -> Node:
    for key, value in reference.mapping().items():
        if key != "$ref" and key not in _ANNOTATIONS and not key.startswith("x-"):
            raise reference.below(key, value).error("is next to `$ref`, where only annotations are supported")
    reference.resolved()  # raises if it is missing or circular
    path = tokens(unquote(reference.value["$ref"]))
    if path[:2] != ["components", "schemas"] or not path[2:]:
        raise reference.error(
            f"refers to {reference.value['$ref']!r}: a schema of the components is expected"
        )
    pointer = join("", *path[:3])  # the component, even if the `$ref` refers to a part of it
    value = follow(reference.document, pointer, reference.source)
    return Node(reference.document, reference.source, pointer, value)


def sample(schema: Node, within: frozenset[str] = frozenset()) -> Json:
    """Return a sample value for a schema.

    The first of `const`, `example`, `default`, `examples` and `enum` is the sample. Without these keywords, an object
    is built from samples of its properties. Any other type gets an empty value, such as `""` or 0. `within` contains
    the pointers of the enclosing schemas. If a schema contains itself, the inner occurrence is left out.
    """
    present = keywords(schema)
    for word in ("const", "example", "default"):
        if word in present:
            return present[word]
    for word in ("examples", "enum"):
        if present.get(word):
            return present[word][0]
    within |= {schema.pointer}
    parts = [sample(part, within) for part in _parts(schema) if part.pointer not in within]
    kind = next(iter(types_of(schema)), None)
    if kind == "object" or "properties" in present or any(isinstance(part, dict) for part in parts):
        return _sample_object(schema, parts, within)
    value = next((part for part in parts if part is not None), None)
    return _OF_TYPE.get(kind) if value is None else value


def _parts(schema: Node) -> list[Node]:
    present = keywords(schema)
    # A sample must match all schemas in `allOf`. The first in `anyOf` and `oneOf` is enough.
    required = schema.child("allOf").items() if "allOf" in present else []
    return required + [schema.child(word).items()[0] for word in ("anyOf", "oneOf") if present.get(word)]


def _sample_object(schema: Node, parts: list[Json], within: frozenset[str]) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for part in parts:
        values |= part if isinstance(part, dict) else {}
    members = schema.child("properties").children() if "properties" in keywords(schema) else []
    return values | {name: sample(node, within) for name, node in members if node.pointer not in within}
