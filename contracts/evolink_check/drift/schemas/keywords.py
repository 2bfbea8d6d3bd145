"""The keywords of JSON Schema: merge keywords, and find the allowed types and values."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolink_spec.errors import SpecError
from evolink_spec.pointers import follow, join

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evolink_spec.models import Json

KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
LOWER = {
    "integer": ("minimum", "exclusiveMinimum"),
    "number": ("minimum", "exclusiveMinimum"),
    "string": ("minLength",),
    "array": ("minItems",),
    "object": ("minProperties",),
}
UPPER = {
    "integer": ("maximum", "exclusiveMaximum"),
    "number": ("maximum", "exclusiveMaximum"),
    "string": ("maxLength",),
    "array": ("maxItems",),
    "object": ("maxProperties",),
}
_OTHERS = {
    "integer": ("multipleOf",),
    "number": ("multipleOf",),
    "string": ("pattern", "format", "contentEncoding", "contentMediaType"),
    "array": ("uniqueItems", "prefixItems", "contains", "minContains", "maxContains", "unevaluatedItems"),
    "object": (
        "patternProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ),
}
# Conditions apply to values of every type. Two conditions are equal only if their texts are equal.
CONDITIONS = ("if", "then", "else", "not", "$ref")
_COUNTS = ("minLength", "minItems", "minProperties")
_RAISED = {"minimum", "exclusiveMinimum", *_COUNTS}
_LOWERED = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_NUMBERS = _RAISED | _LOWERED | {"multipleOf"}
_PLAIN = {"type", "enum", "const", "required", *CONDITIONS} - {"$ref"}
for _words in (*LOWER.values(), *UPPER.values(), *_OTHERS.values()):
    _PLAIN |= set(_words)


def joined(pointer: str, *steps: str | int) -> str:
    """Append names and indexes to a JSON pointer."""
    return join(pointer, *steps)


def escaped(pointer: str) -> str:
    """Escape a JSON pointer for use after `#` in a reference."""
    return re.sub(r"[^\w/~.\-]", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), pointer)


def is_plain(word: str, value: Json) -> bool:
    """Whether a keyword restricts values and is compared as a whole.

    `maximum` is plain. `if` is plain, too: two schemas of `if` are compared as texts. `properties` is not plain: the
    schemas of properties are compared one by one. A malformed keyword is not plain, for example a `maximum` that is a
    text.
    """
    if word in _NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and (word != "multipleOf" or value > 0)
    if word == "required":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    if word == "type":
        return isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(kind, str) for kind in value)
        )
    if word in {"pattern", "format"}:
        return isinstance(value, str)
    return word in _PLAIN and (word != "enum" or isinstance(value, list))


def canonical(value: Json) -> str:
    """Return a text that is equal for equal JSON values.

    The numbers 1 and 1.0 are equal. The order of members does not matter.
    """
    return json.dumps(_plain_number(value), sort_keys=True, ensure_ascii=False)


def _plain_number(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain_number(member) for key, member in value.items()}
    return [_plain_number(member) for member in value] if isinstance(value, list) else value


def local_pointer(reference: Json) -> str | None:
    """Return the JSON pointer of a reference `#/...`; None for anything else."""
    return unquote(reference[1:]) if isinstance(reference, str) and reference.startswith("#/") else None


def followed(tree: Json, pointer: str) -> tuple[bool, Json]:
    """Return whether there is a value at a JSON pointer, and the value."""
    try:
        return True, follow(tree, pointer, "")
    except SpecError:
        return False, None


def kind_of(value: Json) -> str:
    """Return the type of a JSON value. A whole number is an integer, even if it is written as 1.0."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Merge the keywords of two schemas into a schema for values that match both.

    The result is None if no value can match both schemas.
    """
    result = {**one}
    for word, value in other.items():
        combine = _COMBINE.get(word)
        if word not in result:
            result[word] = value
        elif combine is not None:
            result[word] = combine(result[word], value)
        elif word in _RAISED or word in _LOWERED:
            result[word] = (max if word in _RAISED else min)(result[word], value)
        elif canonical(result[word]) != canonical(value):
            result[word] = _several(result[word], value)
    return None if result.get("type") == [] or result.get("enum") == [] else result


def _several(one: Json, other: Json) -> dict[str, Json]:
    both = [*(one["allOf"] if isinstance(one, dict) and "allOf" in one else [one]), other]
    return {"allOf": sorted(both, key=canonical)}


def _types(value: Json) -> list[str]:
    return value if isinstance(value, list) else [value]


def _common_types(one: Json, other: Json) -> list[str]:
    left, right = _types(one), _types(other)
    common = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    return common + [kind for kind in right if kind == "integer" and "number" in left and kind not in common]


def _common_values(one: list[Json], other: list[Json]) -> list[Json]:
    kept = {canonical(value) for value in other}
    return [value for value in one if canonical(value) in kept]


_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "enum": _common_values,
    "required": lambda one, other: [*dict.fromkeys([*one, *other])],
}


def kinds_of(plain: Mapping[str, Any], *, has_properties: bool, has_items: bool) -> list[str]:
    """Return the types that a schema accepts.

    If the schema has no `type`, the types are derived from its keywords. If no keyword implies a type, all types are
    accepted.
    """
    if "type" in plain:
        kinds = [kind for kind in _types(plain["type"]) if kind in KINDS]
    elif "enum" in plain or "const" in plain:
        kinds = [kind_of(value) for value in _listed_values(plain)]
    elif has_properties or "required" in plain:
        kinds = ["object"]
    elif has_items:
        kinds = ["array"]
    else:
        kinds = [*KINDS]
    unique = dict.fromkeys(kinds)
    return [kind for kind in unique if not (kind == "integer" and "number" in unique)]


def _listed_values(plain: Mapping[str, Any]) -> list[Json]:
    listed = plain.get("enum")
    if "const" not in plain:
        return listed if isinstance(listed, list) else []
    return [plain["const"]] if not isinstance(listed, list) else _common_values([plain["const"]], listed)


def values_of(plain: Mapping[str, Any], kind: str) -> tuple[Json, ...] | None:
    """Return the listed values (`enum`, `const`) of the type `kind`; None without a list.

    Values that violate a further keyword of the schema are left out.
    """
    if "enum" not in plain and "const" not in plain:
        return None
    kinds = {kind, "integer"} if kind == "number" else {kind}
    limits = limits_of(plain, kind)
    matching = [
        value for value in _listed_values(plain) if kind_of(value) in kinds and matches(limits, value)
    ]
    by_text = {canonical(value): value for value in matching}
    return tuple(by_text[text] for text in sorted(by_text))


def matches(limits: Mapping[str, Json], value: Json) -> bool:
    """Whether a value satisfies the keywords in `limits`.

    Conditions and references, such as `if`, `not` and `$ref`, are ignored. The result is True if the keywords cannot be
    compiled.
    """
    import jsonschema_rs

    known = {word: limit for word, limit in limits.items() if word not in CONDITIONS}
    try:
        return not known or jsonschema_rs.Draft202012Validator(known, validate_formats=True).is_valid(value)
    except ValueError:
        return True


def limits_of(plain: Mapping[str, Any], kind: str) -> dict[str, Json]:
    """Return the keywords that restrict the values of a type.

    A keyword that excludes no value, such as `minLength: 0`, is left out.
    """
    words = (*LOWER.get(kind, ()), *UPPER.get(kind, ()), *_OTHERS.get(kind, ()), *CONDITIONS)
    limits = {word: plain[word] for word in words if word in plain}
    for word in _COUNTS:
        if limits.get(word) == 0:
            del limits[word]
    if limits.get("uniqueItems") is False:
        del limits["uniqueItems"]
    return _with_whole_bounds(limits) if kind == "integer" else _tightest(limits)


def _with_whole_bounds(limits: dict[str, Json]) -> dict[str, Json]:
    # for example, a `minimum` of 1.5 becomes 2
    low = [math.ceil(limits.pop("minimum"))] if "minimum" in limits else []
    low += [math.floor(limits.pop("exclusiveMinimum")) + 1] if "exclusiveMinimum" in limits else []
    high = [math.floor(limits.pop("maximum"))] if "maximum" in limits else []
    high += [math.ceil(limits.pop("exclusiveMaximum")) - 1] if "exclusiveMaximum" in limits else []
    if limits.get("multipleOf") == 1:
        del limits["multipleOf"]
    bounds = {"minimum": max(low)} if low else {}
    return {**bounds, **({"maximum": min(high)} if high else {}), **limits}


def _tightest(limits: dict[str, Json]) -> dict[str, Json]:
    for plain, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        if plain in limits and exclusive in limits:
            is_exclusive_tighter = sign * limits[plain] <= sign * limits[exclusive]
            # of an inclusive and an exclusive bound, the weaker one is removed
            del limits[plain if is_exclusive_tighter else exclusive]
    return limits
