"""Convert schemas to a normal form (shapes). Equivalent notations have equal shapes.

References are followed, `allOf` is merged, and `anyOf` and `oneOf` become lists of branches. A branch has values of one
type. For example, `type: [string, "null"]` and `anyOf: [{type: string}, {type: "null"}]` become the same shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evolink_check.drift.schemas import keywords
from evolink_check.drift.schemas.inclusion import simplified
from evolink_check.drift.schemas.shapes import Annotations, Branch, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evolink_spec.models import Json

_MOST_BRANCHES = 64
_MOST_PARTS = 3_000


@dataclass(frozen=True, slots=True)
class _Part:
    """A schema in a document."""

    pointer: str
    value: Json
    within: frozenset[str] = frozenset()  # the targets of the `$ref` on the way to the schema; detects loops


@dataclass(slots=True)
class _Flat:
    """Several schemas merged into one, without `$ref`, `allOf`, `anyOf` and `oneOf`."""

    plain: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, list[_Part]] = field(default_factory=dict)
    items: list[_Part] = field(default_factory=list)
    additional: list[_Part] = field(default_factory=list)


class TooLargeError(Exception):
    """The normal form of the schemas is too large, for example because of recursion."""


class Normalizer:
    """Converts the schemas of one document to their normal form.

    References are followed `depth` levels deep. Deeper references are compared by name. Raises `TooLargeError` if too
    many schemas must be converted. A schema counts once for each reference to it.
    """

    def __init__(self, tree: Mapping[str, Json], depth: int) -> None:
        self._tree = tree
        self._depth = depth
        self._left = _MOST_PARTS

    def shape(self, pointer: str, value: Json) -> Shape:
        """Convert the schema `value` at this JSON pointer to its normal form."""
        return self._shape([_Part(pointer, value)])

    def _shape(self, parts: list[_Part]) -> Shape:
        flats = [_Flat()]
        for part in parts:
            flats = _crossed(flats, self._flats(part))
        branches = [branch for flat in flats for branch in self._branches(flat)]
        return Shape(parts[0].pointer, simplified(branches), self._notes(parts))

    def _flats(self, part: _Part) -> list[_Flat]:
        self._left -= 1
        if self._left < 0:
            raise TooLargeError
        if part.value is False:
            return []
        if not isinstance(part.value, dict):
            return [_Flat()]
        flats = [_own_keywords(part)]
        if "$ref" in part.value:
            target = self._target(part)
            if target is None:
                flats[0].plain["$ref"] = part.value["$ref"]
            else:
                flats = _crossed(flats, self._flats(target))
        for index, value in enumerate(_listed(part.value.get("allOf"))):
            flats = _crossed(flats, self._flats(_below(part, value, "allOf", index)))
        for word in ("anyOf", "oneOf"):
            options = _listed(part.value.get(word))
            if options:
                alternatives = [
                    flat
                    for index, value in enumerate(options)
                    for flat in self._flats(_below(part, value, word, index))
                ]
                flats = _crossed(flats, alternatives)
        return flats

    def _target(self, part: _Part) -> _Part | None:
        reference = part.value["$ref"]
        pointer = keywords.local_pointer(reference)
        # a loop or a reference that is too deep has no target
        if pointer is None or pointer in part.within or len(part.within) >= self._depth:
            return None
        exists, value = keywords.followed(self._tree, pointer)
        return _Part(pointer, value, part.within | {pointer}) if exists else None

    def _branches(self, flat: _Flat) -> Iterable[Branch]:
        for kind in keywords.kinds_of(
            flat.plain, has_properties=bool(flat.properties), has_items=bool(flat.items)
        ):
            values = keywords.values_of(flat.plain, kind)
            if values == ():
                continue
            is_object, is_array = kind == "object", kind == "array"
            yield Branch(
                kind,
                values,
                {} if values is not None else keywords.limits_of(flat.plain, kind),
                {name: self._shape(parts) for name, parts in flat.properties.items()} if is_object else {},
                frozenset(flat.plain.get("required", ())) if is_object else frozenset(),
                self._shape(flat.additional) if is_object and flat.additional else None,
                self._shape(flat.items) if is_array and flat.items else None,
            )

    def _notes(self, parts: list[_Part]) -> Annotations:
        texts: list[tuple[str, str]] = []
        found: dict[str, list[Json]] = {"default": [], "example": []}
        deprecated, aliases = False, dict[str, str]()
        for part in self._described(parts):
            value = part.value
            if isinstance(value.get("description"), str):
                texts.append((f"{part.pointer}/description", value["description"]))
            if "default" in value:
                found["default"].append(value["default"])
            found["example"] += [value["example"]] if "example" in value else []
            found["example"] += _listed(value.get("examples"))
            deprecated = deprecated or value.get("deprecated") is True
            listed = value.get("x-evolink-aliases")
            aliases |= listed if isinstance(listed, dict) else {}
        return Annotations(
            tuple(dict.fromkeys(texts)),
            tuple(found["default"][:1]),
            tuple(found["example"]),
            deprecated,
            tuple(sorted(aliases.items())),
        )

    def _described(self, parts: list[_Part]) -> Iterable[_Part]:
        for part in parts:
            if not isinstance(part.value, dict):
                continue
            yield part
            target = self._target(part) if "$ref" in part.value else None
            # the referenced and the combined schemas
            below = [] if target is None else [target]
            below += [
                _below(part, value, word, index)
                for word in ("allOf", "anyOf", "oneOf")
                for index, value in enumerate(_listed(part.value.get(word)))
            ]
            yield from self._described(below)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _below(part: _Part, value: Json, *steps: str | int) -> _Part:
    return _Part(keywords.joined(part.pointer, *steps), value, part.within)


def _own_keywords(part: _Part) -> _Flat:
    value = part.value
    flat = _Flat({word: value[word] for word in value if keywords.is_plain(word, value[word])})
    properties = value.get("properties")
    for name, member in properties.items() if isinstance(properties, dict) else ():
        flat.properties[name] = [_below(part, member, "properties", name)]
    if "items" in value:
        flat.items = [_below(part, value["items"], "items")]
    if value.get("additionalProperties", True) not in (True, {}):
        flat.additional = [_below(part, value["additionalProperties"], "additionalProperties")]
    return flat


def _crossed(left: list[_Flat], right: list[_Flat]) -> list[_Flat]:
    # too many pairs: ignore the right schema
    if len(left) * len(right) > _MOST_BRANCHES:
        return left
    # a value must match both schemas, so each alternative meets each other
    return [merged for one in left for other in right if (merged := _merged(one, other)) is not None]


def _merged(one: _Flat, other: _Flat) -> _Flat | None:
    plain = keywords.merged(one.plain, other.plain)
    if plain is None:
        return None
    names = dict.fromkeys((*one.properties, *other.properties))
    return _Flat(
        plain,
        {name: one.properties.get(name, []) + other.properties.get(name, []) for name in names},
        one.items + other.items,
        one.additional + other.additional,
    )
