"""Bodies that the schema of an answer allows and a client may not expect: the least, the most, more, anything."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from evolink_spec.pointers import Node, follow
from evolink_spec.schemas import standalone
from msgspec.json import encode

from evolink_mock.domain import task_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation, QueryOperation, Spec

    from evolink_mock.domain.tasks import Task
    from evolink_mock.recipes.registry import Recipe

UNKNOWN_HEADER = (b"x-undocumented", b"1")
UNKNOWN = {"undocumented": {"nested": [1, "two", None]}}
_TRIES = 20
_DEEP = 6
_LONG = 12  # characters of a text, items of a list
_LETTERS = "abcdefghijklmnopqrstuvwxyzäß漢 -_0123456789"
_FORMATS = {
    "uri": "https://example.com/",
    "date-time": "2025-01-01T00:00:00Z",
    "date": "2025-01-01",
    "email": "a@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def answer_schema(spec: Spec, operation: CreateOperation | QueryOperation) -> dict[str, Any]:
    """The schema of an operation's success answer, standing alone."""
    document = spec.documents[operation.source]
    place = Node(document, operation.source, operation.pointer, follow(document, operation.pointer, ""))
    answer = place.child("responses").child(str(operation.success)).child("content")
    return standalone(answer.child("application/json").child("schema"))


def wire(recipe: Recipe, task: Task, now: float, schema: Mapping[str, Any], seed: int) -> bytes:
    """The body that describes a task as a recipe asks for it, as compact JSON."""
    body = task_body.to_dict(task, now)
    if recipe.shape == "minimal":
        body = minimal(schema)
    elif recipe.shape == "full":
        body = full(schema, body)
    elif recipe.shape == "extra":
        body = with_extra_fields(body)
    elif recipe.shape == "any":
        body = random_valid(schema, body, seed)
    if recipe.word:
        body["status"] = recipe.word
    return encode(body)


def minimal(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing but what is required."""
    return _object(_Maker(schema, Random(0), optional=0.0).make(schema, 0))  # noqa: S311  (no secret)


def full(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with every documented property: null, or an empty list, where it has none and that is allowed."""
    maker = _Maker(schema, Random(0), optional=1.0)  # noqa: S311
    found = dict(body)
    for name, member in maker.plain(schema).get("properties", {}).items():
        if name not in found:
            found[name] = maker.empty(member)
    return found


def with_extra_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with unknown fields, at its top and in every object of it."""
    within = {name: {**value, **UNKNOWN} for name, value in body.items() if isinstance(value, dict)}
    return {**body, **within, **UNKNOWN}


def random_valid(schema: Mapping[str, Any], body: dict[str, Any], seed: int) -> dict[str, Any]:
    """Any object that the schema allows, the same for the same seed; `body` where none is found."""
    check = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    maker = _Maker(schema, Random(seed), optional=0.5)  # noqa: S311
    for _ in range(_TRIES):
        found = maker.make(schema, 0)
        if isinstance(found, dict) and check.is_valid(found):
            return found
    return body


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _Maker:
    """Makes values of a schema: a try, which `anything` checks. `optional` is the chance of what is not required."""

    def __init__(self, root: Mapping[str, Any], dice: Random, optional: float) -> None:
        self._root = root
        self._dice = dice
        self._optional = optional

    def plain(self, schema: Any) -> dict[str, Any]:
        """A schema with its references and `allOf` laid over each other, and one of its alternatives chosen."""
        if not isinstance(schema, dict):
            return {}
        found = dict(schema)
        parts = [*found.pop("allOf", ())]
        for word in ("anyOf", "oneOf"):
            parts += [self._dice.choice(found.pop(word))] if found.get(word) else []
        if "$ref" in found:
            parts.append(follow(self._root, found.pop("$ref").removeprefix("#"), ""))
        for part in map(self.plain, parts):
            both = {**part.get("properties", {}), **found.get("properties", {})}
            required = [*part.get("required", ()), *found.get("required", ())]
            found = {**part, **found, "properties": both, "required": required}
        return found

    def empty(self, schema: Any) -> Any:
        """What says that there is nothing, where the schema has such a thing."""
        said = self.plain(schema)
        kinds = _kinds(said)
        if "null" in kinds:
            return None
        return [] if "array" in kinds and not said.get("minItems") else self.make(said, 0)

    def make(self, schema: Any, depth: int) -> Any:
        """A value that the schema is likely to allow."""
        said = self.plain(schema)
        if "const" in said:
            return said["const"]
        if said.get("enum"):
            return self._dice.choice(said["enum"])
        kind = self._dice.choice(_kinds(said))
        if kind == "object":
            return self._members(said, depth)
        if kind == "array":
            return self._items(said, depth)
        return self._plain_value(said, kind)

    def _plain_value(self, said: Mapping[str, Any], kind: str) -> Any:
        if kind == "string":
            return self._text(said)
        if kind in {"integer", "number"}:
            return self._number(said, whole=kind == "integer")
        return None if kind == "null" else self._dice.random() < 0.5  # noqa: PLR2004  (heads or tails)

    def _items(self, said: Mapping[str, Any], depth: int) -> list[Any]:
        count = self._between(said.get("minItems", 0), said.get("maxItems", 3))
        return [self.make(said.get("items"), depth + 1) for _ in range(0 if depth > _DEEP else count)]

    def _members(self, said: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = said.get("required", ())
        chance = 0.0 if depth > _DEEP else self._optional
        return {
            name: self.make(member, depth + 1)
            for name, member in said.get("properties", {}).items()
            if name in required or self._dice.random() < chance
        }

    def _text(self, said: Mapping[str, Any]) -> str:
        if said.get("format") in _FORMATS:
            return _FORMATS[said["format"]]
        if "pattern" in said:  # which only an example is known to keep
            return str(said.get("example", said.get("default", "")))
        count = self._between(said.get("minLength", 0), said.get("maxLength", _LONG))
        return "".join(self._dice.choice(_LETTERS) for _ in range(count))

    def _number(self, said: Mapping[str, Any], *, whole: bool) -> float:
        lowest, highest = said.get("minimum", -1000), said.get("maximum", 2**31)
        if whole:
            return self._between(int(lowest), int(highest))
        return round(self._dice.uniform(lowest, highest), 3)

    def _between(self, lowest: int, highest: int) -> int:
        return self._dice.randint(lowest, max(lowest, min(highest, lowest + 2**31)))


def _kinds(said: Mapping[str, Any]) -> list[str]:
    """The types that a schema allows; of one that says none, what its other words hint at."""
    kinds = said.get("type", "object" if said.get("properties") else "string")
    return kinds if isinstance(kinds, list) else [kinds]
