"""The record of a difference between two schemas, and the comparison of single keywords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.schemas.keywords import CONDITIONS, LOWER, UPPER, canonical
from evolink_check.drift.schemas.wording import value_text

if TYPE_CHECKING:
    from evolink_check.drift.schemas.shapes import Branch, Shape

NAMES = {
    "minLength": "minimum length",
    "maxLength": "maximum length",
    "minItems": "minimum number of items",
    "maxItems": "maximum number of items",
    "minProperties": "minimum number of members",
    "maxProperties": "maximum number of members",
    "multipleOf": "step",
    "exclusiveMinimum": "exclusive minimum",
    "exclusiveMaximum": "exclusive maximum",
    "uniqueItems": "uniqueness of the items",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference at a place in a body. The module `verdicts` lists the possible kinds.

    `old` and `new` are the JSON pointers to the place in both versions. A missing place has the pointer of its parent.
    """

    kind: str
    path: str
    old: str
    new: str
    text: str
    was: str = ""
    now: str = ""


def limit_difference(  # noqa: PLR0913, PLR0917  (both versions, and the place)
    word: str, before: Shape, old: Branch, after: Shape, new: Branch, path: str
) -> Difference | None:
    """Return how the keyword `word` differs between two versions of a schema.

    `before` and `after` are the two versions of the schema. `old` and `new` are their branches for values of one type.
    Returns None if the difference has no effect. Returns None if the difference is reported for another keyword.
    """
    was, now = old.limits.get(word), new.limits.get(word)
    if (word in old.limits) == (word in new.limits) and canonical(was) == canonical(now):
        return None
    name = NAMES.get(word, word)
    text = f"{name} is {value_text(now)}, was {value_text(was)}"
    if word not in old.limits:
        text = f"{name} {value_text(now)} was added"
    elif word not in new.limits:
        text = f"{name} {value_text(was)} was removed"
    kind = _limit_kind(word, old, new)
    shown = (
        "" if word not in old.limits else value_text(was),
        "" if word not in new.limits else value_text(now),
    )
    return None if kind is None else Difference(kind, path, before.pointer, after.pointer, text, *shown)


def _limit_kind(word: str, old: Branch, new: Branch) -> str | None:
    if word in CONDITIONS:
        return "condition-changed"
    if word in {*LOWER.get(old.kind, ()), *UPPER.get(old.kind, ())}:
        return _bound_kind(word, old, new)
    if word not in old.limits:
        return "limit-tightened"
    if word not in new.limits:
        return "limit-relaxed"
    if word == "multipleOf":
        ratio = old.limits[word] / new.limits[word]
        return "limit-relaxed" if abs(ratio - round(ratio)) < 1e-9 else "limit-tightened"  # noqa: PLR2004
    return (
        "format-changed"
        if word == "format"
        else "pattern-changed"
        if word == "pattern"
        else "condition-changed"
    )


def _bound_kind(word: str, old: Branch, new: Branch) -> str | None:
    words = LOWER[old.kind] if word in LOWER[old.kind] else UPPER[old.kind]
    sign = 1 if words is LOWER[old.kind] else -1

    def tightness(branch: Branch) -> tuple[float, bool] | None:
        bounds = [
            (sign * branch.limits[own], own.startswith("exclusive")) for own in words if own in branch.limits
        ]
        return max(bounds, default=None)

    was, now = tightness(old), tightness(new)
    # a bound that is now another keyword, such as `exclusiveMinimum`, is found with that keyword
    if was == now or (word not in new.limits and any(own in new.limits for own in words)):
        return None
    if was is None or now is None:
        return "limit-tightened" if was is None else "limit-relaxed"
    return "limit-tightened" if now > was else "limit-relaxed"
