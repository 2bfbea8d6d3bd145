"""Find changed defaults, deprecations and examples.

Examples are compared for response fields that clients use for planning, such as `estimated_time`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.drift.prose.defaults import stated_default
from evolink_check.drift.schemas.keywords import canonical
from evolink_check.drift.schemas.walk import paired_members
from evolink_check.drift.schemas.wording import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json

    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.records import Change, Verdict
    from evolink_check.drift.schemas.shapes import Shape
    from evolink_check.drift.verdicts import Direction

# Fields of a response whose documented examples clients use for planning.
_PLANNED = {"billing_rule", "can_cancel", "credits_reserved", "estimated_time"}


def annotation_changes(pair: OperationPair, direction: Direction, old: Shape, new: Shape) -> Iterator[Change]:
    """Yield the changed defaults, deprecations and examples of a schema and its members.

    `old` and `new` are the two versions of the schema. Members that occur in both versions are compared.
    """
    for path, one, other, required in paired_members(old, new):
        if direction == "request":
            yield from _default(pair, path, one, other, required=required)
        elif path.rpartition(".")[2] in _PLANNED:
            yield from _example(pair, path, one, other)
        yield from _deprecation(pair, direction, path, one, other)


def _deprecation(
    pair: OperationPair, direction: Direction, path: str, old: Shape, new: Shape
) -> Iterator[Change]:
    rule: tuple[Verdict, str]
    if new.notes.deprecated and not old.notes.deprecated:
        kind, text, rule = "deprecated", "is deprecated", ("notice", "it may be removed in a later version")
    elif old.notes.deprecated and not new.notes.deprecated:
        kind, text = "deprecation-withdrawn", "is no longer deprecated"
        rule = ("non-breaking", "nothing is removed")
    else:
        return
    yield pair.change(kind, direction, rule, text, path, places=(old.pointer, new.pointer))


def _default(pair: OperationPair, path: str, old: Shape, new: Shape, *, required: bool) -> Iterator[Change]:
    was, now = _stated_or_declared_default(old), _stated_or_declared_default(new)
    values = value_text(was[0]) if was else "", value_text(now[0]) if now else ""
    if values[0] == values[1]:
        return
    rule: tuple[Verdict, str]
    if was and now:
        kind, text = "default-changed", f"default is {values[1]}, was {values[0]}"
        rule = ("breaking", "a request without it is accepted, and gets another result")
    elif now:
        kind, text = "default-added", f"default {values[1]} was added"
        rule = ("notice", "the effect of omitting it was not documented before")
    else:
        kind, text = "default-removed", f"default {values[0]} was removed"
        rule = ("notice", "the effect of omitting it is no longer documented")
    if required:
        rule = ("non-breaking", "it is required, so that the default does not apply")
    yield pair.change(kind, "request", rule, text, path, values, (old.pointer, new.pointer))


def _stated_or_declared_default(shape: Shape) -> tuple[Json, ...]:
    return shape.notes.defaults or stated_default([text for _, text in shape.notes.texts])


def _example(pair: OperationPair, path: str, old: Shape, new: Shape) -> Iterator[Change]:
    was, now = old.notes.examples[:1], new.notes.examples[:1]
    if not was or not now or canonical(was[0]) == canonical(now[0]):
        return
    values = value_text(was[0]), value_text(now[0])
    rule: tuple[Verdict, str] = ("notice", "clients may use it for planning")
    text = f"the example is {values[1]}, was {values[0]}"
    yield pair.change("example-changed", "response", rule, text, path, values, (old.pointer, new.pointer))
