"""Walk through the members of two schemas in parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.schemas.shapes import Shape


def paired_members(old: Shape, new: Shape) -> Iterator[tuple[str, Shape, Shape, bool]]:
    """Yield a tuple for `old` and `new`, then a tuple for each common member.

    Nested members are included. Each tuple contains a path, the old shape and the new shape. Shapes are normalized
    schemas. The last value of a tuple says whether both versions require the member. The path is empty for `old` and
    `new`.
    """
    yield from _paired(old, new, "", required=False)


def _paired(old: Shape, new: Shape, path: str, *, required: bool) -> Iterator[tuple[str, Shape, Shape, bool]]:
    yield path, old, new, required
    always = _required(old) & _required(new)
    members = new.properties
    for name, shape in old.properties.items():
        if name in members:
            where = f"{path}.{name}" if path else name
            yield from _paired(shape, members[name], where, required=name in always)
    ones = [branch.items for branch in old.branches if branch.items is not None]
    others = [branch.items for branch in new.branches if branch.items is not None]
    for one, other in zip(ones[:1], others[:1], strict=False):
        yield from _paired(one, other, f"{path}[]", required=False)


def _required(shape: Shape) -> frozenset[str]:
    sets = [branch.required for branch in shape.branches if branch.kind == "object"]
    return frozenset.intersection(*sets) if sets else frozenset()
