"""Find the differences between two shapes (normalized schemas).

The caller decides which differences are breaking. The verdict differs for requests and responses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.drift.schemas.inclusion import accepts, is_within
from evolink_check.drift.schemas.keywords import canonical
from evolink_check.drift.schemas.limits import Difference, limit_difference
from evolink_check.drift.schemas.members import pair_members
from evolink_check.drift.schemas.wording import kinds_text, listed, range_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.schemas.shapes import Branch, Shape


def differences(old: Shape, new: Shape, path: str = "") -> Iterator[Difference]:
    """Yield every difference between two shapes (normalized schemas), at any depth."""
    lost, gained = _unpaired(old.kinds, new.kinds), _unpaired(new.kinds, old.kinds)
    yield from _of_types(old, new, path, lost, gained)
    for kind in sorted(old.kinds - lost):
        other = _partner(kind, new.kinds)
        befores = [branch for branch in old.branches if branch.kind == kind]
        afters = [branch for branch in new.branches if branch.kind == other]
        yield from _of_branches((old, befores), (new, afters), path)


def _partner(kind: str, kinds: frozenset[str]) -> str:
    if kind in kinds or kind not in {"integer", "number"}:
        return kind
    return "number" if kind == "integer" else "integer"


def _unpaired(kinds: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    return frozenset(kind for kind in kinds if _partner(kind, others) not in others)


def _of_types(
    old: Shape, new: Shape, path: str, lost: frozenset[str], gained: frozenset[str]
) -> Iterator[Difference]:
    def difference(kind: str, text: str) -> Difference:
        return Difference(kind, path, old.pointer, new.pointer, text, kinds_text(old), kinds_text(new))

    change = f"type is {kinds_text(new)}, was {kinds_text(old)}"
    kept = old.kinds - lost
    if lost - {"null"} and gained - {"null"} and not kept - {"null"}:
        yield difference("type-changed", change)
        lost, gained = lost & {"null"}, gained & {"null"}
    if "null" in lost:
        yield difference("null-refused", "null is no longer allowed")
    if "null" in gained:
        yield difference("null-allowed", "null is allowed")
    integers = {"integer"} if "integer" in old.kinds and "number" in new.kinds else set()
    numbers = {"number"} if "number" in old.kinds and "integer" in new.kinds else set()
    if lost - {"null"} or numbers:
        yield difference("type-narrowed", change)
    if gained - {"null"} or integers:
        yield difference("type-widened", change)


def _of_branches(
    old: tuple[Shape, list[Branch]], new: tuple[Shape, list[Branch]], path: str
) -> Iterator[Difference]:
    (before, olds), (after, news) = old, new
    if len(olds) == len(news) == 1:
        yield from _of_branch(before, olds[0], after, news[0], path)
        return
    if olds[0].kind == "object":
        yield from _differences_of_alternatives(old, new, path)
        return
    same = {repr(branch_key(branch)) for branch in olds} & {repr(branch_key(branch)) for branch in news}
    olds = [branch for branch in olds if repr(branch_key(branch)) not in same]
    news = [branch for branch in news if repr(branch_key(branch)) not in same]
    if len(olds) == len(news) == 1 and (olds[0].values is None) == (news[0].values is None):
        yield from _of_branch(before, olds[0], after, news[0], path)
        return
    is_narrowed = not all(_is_covered(branch, after) for branch in olds)
    is_widened = not all(_is_covered(branch, before) for branch in news)
    kind: str | None = "values-replaced" if is_narrowed else "values-freed" if is_widened else None
    if kind == "values-replaced" and not is_widened:
        kind = "values-listed"
    if kind:
        was, now = range_text(before), range_text(after)
        yield Difference(kind, path, before.pointer, after.pointer, f"allowed: {now}; was: {was}", was, now)


def _differences_of_alternatives(
    old: tuple[Shape, list[Branch]], new: tuple[Shape, list[Branch]], path: str
) -> Iterator[Difference]:
    # `old` and `new` are the whole schema and its alternatives in `anyOf` or `oneOf`
    (before, olds), (after, news) = old, new
    yield from _of_members(before, _join_branches(olds), after, _join_branches(news), path)
    forms = [{_form(branch, branches) for branch in branches} for branches in (olds, news)]
    if forms[0] != forms[1]:
        text = "the alternatives of required members and conditions changed"
        yield Difference("condition-changed", path, before.pointer, after.pointer, text)


def _join_branches(branches: list[Branch]) -> Branch:
    members = {name: shape for branch in branches for name, shape in branch.properties.items()}
    # a member is required if every alternative requires it
    required = frozenset.intersection(*(branch.required for branch in branches))
    return replace(branches[0], properties=members, required=required, limits={})


def _form(branch: Branch, branches: list[Branch]) -> tuple[object, ...]:
    # members that every alternative requires distinguish none
    common = frozenset.intersection(*(other.required for other in branches))
    limits = sorted((word, canonical(limit)) for word, limit in branch.limits.items())
    return tuple(sorted(branch.required - common)), tuple(limits)


def branch_key(branch: Branch) -> object:
    """Return a key for a branch. Branches with equal keys accept the same values."""
    return (
        branch.kind,
        None if branch.values is None else [canonical(value) for value in branch.values],
        sorted((word, canonical(limit)) for word, limit in branch.limits.items()),
        sorted((name, shape_key(shape)) for name, shape in branch.properties.items()),
        sorted(branch.required),
        None if branch.additional is None else shape_key(branch.additional),
        None if branch.items is None else shape_key(branch.items),
    )


def shape_key(shape: Shape) -> str:
    """Return a text that identifies the accepted values of a shape (a normalized schema).

    Two shapes with equal texts accept the same values.
    """
    return repr([branch_key(branch) for branch in shape.branches])


def _is_covered(branch: Branch, shape: Shape) -> bool:
    if branch.values is not None:
        return all(accepts(shape, branch.kind, value) for value in branch.values)
    return any(is_within(branch, other) for other in shape.branches)


def _of_branch(before: Shape, old: Branch, after: Shape, new: Branch, path: str) -> Iterator[Difference]:
    if old.values is not None or new.values is not None:
        yield from _of_values(before, old, after, new, path)
        return
    for word in dict.fromkeys((*old.limits, *new.limits)):
        difference = limit_difference(word, before, old, after, new, path)
        if difference is not None:
            yield difference
    if old.kind == "array":
        yield from _of_items(before, old, after, new, path)
    if old.kind == "object":
        yield from _of_members(before, old, after, new, path)


def _of_values(before: Shape, old: Branch, after: Shape, new: Branch, path: str) -> Iterator[Difference]:
    def difference(kind: str, text: str) -> Difference:
        return Difference(
            kind, path, before.pointer, after.pointer, text, range_text(before), range_text(after)
        )

    lost = [value for value in old.values or () if not accepts(after, old.kind, value)]
    gained = [value for value in new.values or () if not accepts(before, new.kind, value)]
    change = f"allowed: {range_text(after)}; was: {range_text(before)}"
    if old.values is not None and new.values is not None:
        if lost:
            yield difference("values-removed", f"no longer allowed: {listed(lost)}")
        if gained:
            yield difference("values-added", f"newly allowed: {listed(gained)}")
    elif old.values is None:
        yield difference("values-replaced" if gained else "values-listed", change)
    else:
        yield difference("values-replaced" if lost else "values-freed", change)


def _of_items(before: Shape, old: Branch, after: Shape, new: Branch, path: str) -> Iterator[Difference]:
    where = f"{path}[]"
    if old.items is not None and new.items is not None:
        yield from differences(old.items, new.items, where)
    elif new.items is not None:
        yield Difference(
            "limit-tightened", where, before.pointer, new.items.pointer, "the items got a schema"
        )
    elif old.items is not None:
        yield Difference(
            "limit-relaxed", where, old.items.pointer, after.pointer, "the items have no schema any more"
        )


def _of_members(before: Shape, old: Branch, after: Shape, new: Branch, path: str) -> Iterator[Difference]:
    pairs = pair_members(old, new)
    for name, shape in pairs.removed.items():
        yield Difference(
            "property-removed", _member(path, name), shape.pointer, after.pointer, "was removed", name
        )
    for name, shape in pairs.added.items():
        is_required = name in new.required
        kind: str = "required-property-added" if is_required else "property-added"
        text = f"was added{', and is required' if is_required else ''}"
        yield Difference(kind, _member(path, name), before.pointer, shape.pointer, text, "", name)
    for was, now in pairs.renamed.items():
        one, other = old.properties[was], new.properties[now]
        yield Difference(
            "property-renamed", _member(path, was), one.pointer, other.pointer, f"is now {now!r}", was, now
        )
    for name in pairs.kept:
        one, other = old.properties[name], new.properties[name]
        if (name in old.required) != (name in new.required):
            is_required = name in new.required
            kind, text = (
                ("property-required", "is required") if is_required else ("property-optional", "is optional")
            )
            shown = ("optional", "required") if is_required else ("required", "optional")
            yield Difference(kind, _member(path, name), one.pointer, other.pointer, text, *shown)
        yield from differences(one, other, _member(path, name))
    yield from _of_unknown_members(before, old, after, new, path)


def _of_unknown_members(
    before: Shape, old: Branch, after: Shape, new: Branch, path: str
) -> Iterator[Difference]:
    was, now = old.additional, new.additional
    if was is not None and now is not None:
        if was.branches and now.branches:
            yield from differences(was, now, _member(path, "*"))
            return
        if bool(was.branches) == bool(now.branches):
            return
    is_refused = now is not None and (was is None or bool(was.branches))
    if was is now is None:
        return
    kind: str = "unknown-refused" if is_refused else "unknown-accepted"
    text = "unknown members are refused" if is_refused else "unknown members are accepted"
    yield Difference(kind, path, before.pointer, after.pointer, text)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
