"""Response bodies that match the schema, but that a client may not expect."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from evolink_spec.pointers import Node, follow
from evolink_spec.schemas import standalone
from msgspec.json import encode

from evolink_mock.domain import task_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation, QueryOperation, Spec

    from evolink_mock.domain.tasks import Task
    from evolink_mock.recipes.recipe import Recipe

UNKNOWN_HEADER = (b"x-undocumented", b"1")
UNKNOWN = {"undocumented": {"nested": [1, "two", None]}}
_TRIES = 20
_MOST_DEPTH = 6
_LONGEST_TEXT = 12
_LETTERS = "abcdefghijklmnopqrstuvwxyzäß漢 -_0123456789"
_FORMATS = {
    "uri": "https://example.com/",
    "date-time": "2025-01-01T00:00:00Z",
    "date": "2025-01-01",
    "email": "a@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def answer_schema(spec: Spec, operation: CreateOperation | QueryOperation) -> dict[str, Any]:
    """Return the schema of an operation's success response.

    The result contains all schemas to which this schema refers.
    """
    document = spec.documents[operation.source]
    node = Node(document, operation.source, operation.pointer, follow(document, operation.pointer, ""))
    answer = node.child("responses").child(str(operation.success)).child("content")
    return standalone(answer.child("application/json").child("schema"))


def encode_variant(recipe: Recipe, task: Task, now: float, schema: Mapping[str, Any], seed: int) -> bytes:
    """Encode a task as compact JSON, in the shape that a recipe requests."""
    body = task_body.to_dict(task, now)
    if recipe.shape == "minimal":
        body = minimal(schema)
    elif recipe.shape == "full":
        body = full(schema, body)
    elif recipe.shape == "extra":
        body = with_extra_fields(body)
    elif recipe.shape == "any":
        body = random_valid(schema, body, seed)
    if recipe.status_word:
        body["status"] = recipe.status_word
    return encode(body)


def minimal(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without optional properties."""
    return _object(_Maker(schema, Random(0), optional=0.0).make(schema, 0))  # noqa: S311  (not secret)


def full(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with every documented property.

    Added properties are null or an empty list where possible.
    """
    maker = _Maker(schema, Random(0), optional=1.0)  # noqa: S311
    complete = dict(body)
    for name, member in maker.resolve(schema).get("properties", {}).items():
        if name not in complete:
            complete[name] = maker.empty(member)
    return complete


def with_extra_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with unknown fields.

    The top level and each object directly below get unknown fields.
    """
    within = {name: {**value, **UNKNOWN} for name, value in body.items() if isinstance(value, dict)}
    return {**body, **within, **UNKNOWN}


def random_valid(schema: Mapping[str, Any], body: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a random object that matches the schema; `body` if none is found.

    Equal seeds give equal objects.
    """
    import jsonschema_rs  # takes 5 MiB, which few servers need here

    check = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    maker = _Maker(schema, Random(seed), optional=0.5)  # noqa: S311
    for _ in range(_TRIES):
        candidate = maker.make(schema, 0)
        if isinstance(candidate, dict) and check.is_valid(candidate):
            return candidate
    return body


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Maker:
    """Makes values that probably match a schema."""

    def __init__(self, root: Mapping[str, Any], random: Random, optional: float) -> None:
        # `optional` is the probability (0 to 1) with which an object gets each of its optional properties.
        self._root = root
        self._random = random
        self._optional = optional

    def resolve(self, schema: Any) -> dict[str, Any]:
        """Merge a schema with the schemas in its `$ref` and `allOf`.

        One random schema in `anyOf` is also merged. The same applies to `oneOf`.
        """
        if not isinstance(schema, dict):
            return {}
        merged = dict(schema)
        parts = [*merged.pop("allOf", ())]
        for keyword in ("anyOf", "oneOf"):
            parts += [self._random.choice(merged.pop(keyword))] if merged.get(keyword) else []
        if "$ref" in merged:
            parts.append(follow(self._root, merged.pop("$ref").removeprefix("#"), ""))
        for part in map(self.resolve, parts):
            properties = {**part.get("properties", {}), **merged.get("properties", {})}
            required = [*part.get("required", ()), *merged.get("required", ())]
            merged = {**part, **merged, "properties": properties, "required": required}
        return merged

    def empty(self, schema: Any) -> Any:
        """Return null, an empty list, or any value that matches the schema."""
        schema = self.resolve(schema)
        kinds = _allowed_types(schema)
        if "null" in kinds:
            return None
        return [] if "array" in kinds and not schema.get("minItems") else self.make(schema, 0)

    def make(self, schema: Any, depth: int) -> Any:
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._random.choice(schema["enum"])
        kind = self._random.choice(_allowed_types(schema))
        if kind == "object":
            return self._members(schema, depth)
        if kind == "array":
            return self._items(schema, depth)
        return self._scalar(schema, kind)

    def _scalar(self, schema: Mapping[str, Any], kind: str) -> Any:
        if kind == "string":
            return self._text(schema)
        if kind in {"integer", "number"}:
            return self._number(schema, whole=kind == "integer")
        return None if kind == "null" else self._random.random() < 0.5  # noqa: PLR2004  (heads or tails)

    def _items(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        count = self._between(schema.get("minItems", 0), schema.get("maxItems", 3))
        return [self.make(schema.get("items"), depth + 1) for _ in range(0 if depth > _MOST_DEPTH else count)]

    def _members(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        chance = 0.0 if depth > _MOST_DEPTH else self._optional
        return {
            name: self.make(member, depth + 1)
            for name, member in schema.get("properties", {}).items()
            if name in required or self._random.random() < chance
        }

    def _text(self, schema: Mapping[str, Any]) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if "pattern" in schema:  # only the documented example is certain to match
            return str(schema.get("example", schema.get("default", "")))
        count = self._between(schema.get("minLength", 0), schema.get("maxLength", _LONGEST_TEXT))
        return "".join(self._random.choice(_LETTERS) for _ in range(count))

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> float:
        lowest, highest = schema.get("minimum", -1000), schema.get("maximum", 2**31)
        if whole:
            return self._between(int(lowest), int(highest))
        return round(self._random.uniform(lowest, highest), 3)

    def _between(self, lowest: int, highest: int) -> int:
        return self._random.randint(lowest, max(lowest, min(highest, lowest + 2**31)))


def _allowed_types(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type", "object" if schema.get("properties") else "string")
    return kinds if isinstance(kinds, list) else [kinds]
