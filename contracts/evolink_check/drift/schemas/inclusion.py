"""Decide whether one schema accepts every value of another schema. If the answer is unknown, the result is False."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.drift.schemas.keywords import KINDS, LOWER, UPPER, canonical, matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.models import Json

    from evolink_check.drift.schemas.shapes import Branch, Shape

_NESTED, _FEW = {"array", "object"}, 4
_EXCLUSIVE = {"exclusiveMinimum", "exclusiveMaximum"}


def is_included(old: Shape, new: Shape) -> bool:
    """Whether the new schema certainly accepts every value that the old schema accepts."""
    return all(any(is_within(branch, other) for other in new.branches) for branch in old.branches)


def accepts(shape: Shape, kind: str, value: Json) -> bool:
    """Whether a schema accepts a value. `kind` is the type of the value."""
    return any(
        branch.kind in {kind, "number" if kind == "integer" else kind} and _holds(branch, value)
        for branch in shape.branches
    )


def is_within(old: Branch, new: Branch) -> bool:
    """Whether `new` certainly accepts every value that `old` accepts.

    `old` and `new` are branches. A branch is the part of a schema for values of one type.
    """
    if old.kind != new.kind and (old.kind, new.kind) != ("integer", "number"):
        return False
    if old.values is not None:
        return all(_holds(new, value) for value in old.values)
    if new.values is not None:
        return False
    return _limits_within(old, new) and _items_within(old, new) and _members_within(old, new)


def _holds(branch: Branch, value: Json) -> bool:
    if branch.values is not None:
        return canonical(value) in {canonical(listed) for listed in branch.values}
    if branch.kind in {"array", "object"} and (branch.items or branch.properties or branch.required):
        return matches(schema_of_branch(branch), value)
    return matches(branch.limits, value)


def _limits_within(old: Branch, new: Branch) -> bool:
    return all(_limit_within(old, new.kind, word, limit) for word, limit in new.limits.items())


def _limit_within(old: Branch, kind: str, word: str, limit: Any) -> bool:
    if word in LOWER.get(kind, ()):
        return is_bound_within(old, LOWER[kind], word, limit, sign=1)
    if word in UPPER.get(kind, ()):
        return is_bound_within(old, UPPER[kind], word, limit, sign=-1)
    if word == "multipleOf":
        step = old.limits.get(word, 1 if old.kind == "integer" else None)
        return step is not None and _is_multiple(step, limit)
    return word in old.limits and canonical(old.limits[word]) == canonical(limit)


def is_bound_within(old: Branch, words: tuple[str, ...], word: str, limit: float, *, sign: int) -> bool:
    """Whether the bound of `old` is at least as tight as the bound of the new schema.

    The bound of the new schema is the keyword `word` with the value `limit`. `words` are the keywords for the bound in
    `old`, such as `minimum`. `sign` is 1 for lower and -1 for upper bounds.
    """
    for own in words:
        if own in old.limits:
            difference = sign * (old.limits[own] - limit)
            if difference > 0 or (difference == 0 and (own in _EXCLUSIVE or word not in _EXCLUSIVE)):
                return True
    return False


def _is_multiple(step: float, of: float) -> bool:
    ratio = step / of
    return abs(ratio - round(ratio)) < 1e-9  # noqa: PLR2004


def _items_within(old: Branch, new: Branch) -> bool:
    if new.items is None or old.limits.get("maxItems") == 0:
        return True
    return old.items is not None and is_included(old.items, new.items)


def _members_within(old: Branch, new: Branch) -> bool:
    if not new.required <= old.required:
        return False
    # `old` must restrict undescribed members (`additionalProperties`) at least as much
    if new.additional is not None and (
        old.additional is None or not is_included(old.additional, new.additional)
    ):
        return False
    for name, shape in old.properties.items():
        other = new.properties.get(name, new.additional)
        if other is not None and not is_included(shape, other):
            return False
    return True


def schema_of(shape: Shape) -> dict[str, Json] | bool:
    """Convert a shape (a normalized schema) to a JSON Schema."""
    schemas = [schema_of_branch(branch) for branch in shape.branches]
    if not schemas:
        return False
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def schema_of_branch(branch: Branch) -> dict[str, Json]:
    """Convert a branch of a shape to a JSON Schema.

    References and conditions such as `if` and `not` are left out.
    """
    schema: dict[str, Json] = {"type": branch.kind}
    if branch.values is not None:
        return {**schema, "enum": [*branch.values]}
    schema |= {
        word: limit
        for word, limit in branch.limits.items()
        if word not in {"$ref", "if", "then", "else", "not"}
        and not (isinstance(limit, dict) and "allOf" in limit)
    }
    if branch.items is not None:
        schema["items"] = schema_of(branch.items)
    if branch.properties:
        schema["properties"] = {name: schema_of(shape) for name, shape in branch.properties.items()}
    if branch.required:
        schema["required"] = sorted(branch.required)
    if branch.additional is not None:
        schema["additionalProperties"] = schema_of(branch.additional)
    return schema


def simplified(branches: Iterable[Branch]) -> tuple[Branch, ...]:
    """Simplify the branches of a schema, and return them in a fixed order.

    The result accepts the same values as `branches`. Branches of one type with listed values (`enum`, `const`) are
    joined.
    """
    listed: dict[str, Branch] = {}
    ranges: list[Branch] = []
    branches = [*branches]
    count = len(branches)
    for branch in branches:
        if branch.values is None:
            if branch.kind in _NESTED and count > _FEW:  # comparing many nested branches would take too long
                ranges.append(branch)
            elif not any(is_within(branch, other) for other in ranges):
                # a branch is removed if another branch accepts all of its values
                ranges = [other for other in ranges if not is_within(other, branch)] + [branch]
            continue
        before = listed.get(branch.kind)
        values = (*(before.values or () if before else ()), *branch.values)
        by_text = {canonical(value): value for value in values}
        listed[branch.kind] = replace(branch, values=tuple(by_text[text] for text in sorted(by_text)))
    kept = []
    for branch in listed.values():
        values = tuple(
            value
            for value in branch.values or ()
            if not any(is_within(replace(branch, values=(value,)), other) for other in ranges)
        )
        kept += [replace(branch, values=values)] if values else []
    return tuple(
        sorted((*kept, *ranges), key=lambda branch: (KINDS.index(branch.kind), branch.values is None))
    )
