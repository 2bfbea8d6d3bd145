"""Hypothesis strategies that generate values for schemas.

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from evolink_check.drift.schemas.keywords import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json
    from hypothesis.strategies import SearchStrategy

    from evolink_check.drift.schemas.shapes import Branch, Shape

_LONGEST_TEXT, _MOST_ITEMS, _DIGITS = 20_000, 60, 12
_FORMATS: dict[str, tuple[str, ...]] = {
    "uri": ("https://example.com/a.jpg", "https://example.com/b.mp4", "http://example.com"),
    "url": ("https://example.com/a.jpg",),
    "date-time": ("2026-01-01T00:00:00Z",),
    "date": ("2026-01-01",),
    "email": ("someone@example.com",),
    "uuid": ("6f1c1b3e-0d4e-4f5a-9d55-2f3d1c9b8a77",),
}


def values_of(shape: Shape) -> SearchStrategy[Any]:
    """Return a strategy that generates values for a shape (a normalized schema).

    The schema may reject some values. Filter the values with a validator.
    """
    return st.one_of([_branch(branch) for branch in shape.branches]) if shape.branches else st.nothing()


def boundary_values(old: Shape, new: Shape) -> list[Json]:
    """Return values with which the two schemas can be tested.

    The values are near the limits of a schema, or are `enum` values or examples of a schema.
    """
    values: list[Json] = []
    for shape in (new, old):
        for branch in shape.branches:
            values += branch.values or ()
            values += [example for example in shape.notes.examples if kind_of(example) == branch.kind]
            for word, limit in branch.limits.items():
                if word in {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
                    step = branch.limits.get("multipleOf", 1)
                    values += [limit, limit - step, limit + step, limit + 0.5]
                elif word in {"minLength", "maxLength"} and limit <= _LONGEST_TEXT:
                    start = "https://example.com/" if branch.limits.get("format") == "uri" else ""
                    values += [
                        start.ljust(length, "a") for length in (limit - 1, limit, limit + 1) if length >= 0
                    ]
                elif word == "multipleOf":
                    values += [limit, 2 * limit, 3 * limit]
    return values


def _branch(branch: Branch) -> SearchStrategy[Any]:
    if branch.values is not None:
        return st.sampled_from([*branch.values])
    if branch.kind == "array":
        return _arrays(branch)
    if branch.kind == "object":
        return _objects(branch)
    if branch.kind == "string":
        return _texts(branch.limits)
    if branch.kind in {"integer", "number"}:
        return _numbers(branch.limits, whole=branch.kind == "integer")
    return st.none() if branch.kind == "null" else st.booleans()


def _numbers(limits: Mapping[str, Any], *, whole: bool) -> SearchStrategy[Any]:
    low = limits.get("minimum", limits.get("exclusiveMinimum"))
    high = limits.get("maximum", limits.get("exclusiveMaximum"))
    step = limits.get("multipleOf")
    if step is not None:
        counts = st.integers(
            None if low is None else int(low / step), None if high is None else int(high / step) + 1
        )
        return counts.map(lambda count: round(count * step, _DIGITS))
    if whole:
        return st.integers(low, high)
    return st.floats(low, high, allow_nan=False, allow_infinity=False) | st.integers(
        None if low is None else int(low), None if high is None else int(high) + 1
    )


def _texts(limits: Mapping[str, Any]) -> SearchStrategy[str]:
    low = limits.get("minLength", 0)
    high = min(limits.get("maxLength", _LONGEST_TEXT), _LONGEST_TEXT)
    lengths = st.integers(min(low, high), high).map(lambda length: "a" * length)
    texts = [lengths, st.text("abcXYZ019 -_.:/", min_size=low, max_size=max(low, min(high, low + 30)))]
    if isinstance(limits.get("format"), str):
        texts.insert(0, st.sampled_from(_FORMATS.get(limits["format"], ("a",))))
    if isinstance(limits.get("pattern"), str):
        with suppress(re.error, ValueError):  # if Python cannot compile the pattern
            pattern = re.compile(limits["pattern"])
            texts.insert(0, st.from_regex(pattern, alphabet=st.characters(codec="ascii")))
    return st.one_of(texts)


def _arrays(branch: Branch) -> SearchStrategy[list[Any]]:
    low = branch.limits.get("minItems", 0)
    high = min(branch.limits.get("maxItems", _MOST_ITEMS), max(_MOST_ITEMS, low))
    items = st.just("a") if branch.items is None else values_of(branch.items)
    if branch.limits.get("uniqueItems"):
        return st.lists(items, min_size=low, max_size=high, unique_by=repr)
    same = st.tuples(items, st.integers(low, high)).map(lambda drawn: [drawn[0]] * drawn[1])
    return same | st.lists(items, min_size=low, max_size=min(high, low + 3))


def _objects(branch: Branch) -> SearchStrategy[dict[str, Any]]:
    required = {
        name: values_of(branch.properties[name]) for name in sorted(branch.required & set(branch.properties))
    }
    optional = {name: values_of(shape) for name, shape in branch.properties.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)
