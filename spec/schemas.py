"""Schema objects: which keywords are understood, a schema that stands alone, and its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spec.pointers import Node, join

if TYPE_CHECKING:
    from spec.records import Json

# JSON Schema 2020-12 and what OpenAPI 3.1 adds to it. A word that is not here is an error: a schema
# that says more than we read would make the server answer yes where the document says no.
_SUBSCHEMA = {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
_SUBSCHEMA |= {"contentSchema", "unevaluatedItems", "unevaluatedProperties"}
_SUBSCHEMA_LIST = {"allOf", "anyOf", "oneOf", "prefixItems"}
_SUBSCHEMA_MAP = {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
_PLAIN = {
    *("$anchor", "$comment", "$id", "$ref", "$schema", "const", "contentEncoding", "contentMediaType"),
    *("default", "dependentRequired", "deprecated", "description", "discriminator", "enum", "example"),
    *("examples", "exclusiveMaximum", "exclusiveMinimum", "externalDocs", "format", "maxContains"),
    *("maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength"),
    *("minProperties", "minimum", "multipleOf", "pattern", "readOnly", "required", "title", "type"),
    *("uniqueItems", "writeOnly", "xml"),
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def check_keywords(node: Node) -> None:
    """Raise `SpecError` at the first keyword, here or below, that is not understood."""
    if isinstance(node.value, bool):
        return
    for key, value in node.mapping().items():
        below = join(node.pointer, key)
        if key in _SUBSCHEMA:
            check_keywords(Node(node.document, node.source, below, value))
        elif key in _SUBSCHEMA_LIST:
            for index, item in enumerate(value):
                check_keywords(Node(node.document, node.source, join(below, index), item))
        elif key in _SUBSCHEMA_MAP:
            for name, item in value.items():
                check_keywords(Node(node.document, node.source, join(below, name), item))
        elif key not in _PLAIN and not str(key).startswith("x-"):
            raise Node(node.document, node.source, below, value).error(
                "is no keyword of JSON Schema 2020-12 or OpenAPI 3.1"
            )
        elif key == "$ref":
            Node(node.document, node.source, node.pointer, node.value).resolved()


def standalone(node: Node) -> dict[str, Json]:
    """The schema at `node` with the components of its document, so that its `$ref`s resolve alone."""
    components = {"schemas": node.document.get("components", {}).get("schemas", {})}
    return {"$schema": DIALECT, "$ref": "#/x-subject", "x-subject": node.value, "components": components}


def sample(node: Node, *, within: frozenset[str] = frozenset()) -> Json:
    """The value that the schema's own words suggest: example, default, const, first enum, or of its type."""
    schema = node.mapping()
    for word in ("example", "default", "const"):
        if word in schema:
            return schema[word]
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return _sample_object(node, within | {node.pointer})
    return {"array": [], "boolean": False, "integer": 0, "number": 0, "string": ""}.get(str(kind))


def _sample_object(node: Node, within: frozenset[str]) -> dict[str, Json]:
    properties = node.get("properties")
    members = properties.children() if properties else []
    return {name: sample(member, within=within) for name, member in members if member.pointer not in within}
