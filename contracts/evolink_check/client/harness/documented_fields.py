"""The documented fields of responses as dotted names, from the schemas in the OpenAPI documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec.pointers import Node, follow
from evolink_spec.schemas import properties_of, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_spec import CreateOperation, QueryOperation, Spec


def fields_of(spec: Spec, operation: CreateOperation | QueryOperation, status: int) -> dict[str, bool]:
    """Map the name of each documented field of a response to whether the field may be null.

    Nested fields have dotted names such as `task_info.can_cancel`.
    """
    document = spec.documents[operation.source]
    node = Node(document, operation.source, operation.pointer, follow(document, operation.pointer, ""))
    response = node.child("responses").child(str(status)).resolved()
    return dict(_fields(response.child("content").child("application/json").child("schema"), ""))


def _fields(schema: Node, prefix: str) -> Iterator[tuple[str, bool]]:
    for name, node in properties_of(schema.resolved()).items():
        member = node.resolved()
        yield f"{prefix}{name}", "null" in types_of(member)
        yield from _fields(member, f"{prefix}{name}.")


def pairs_of(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Group the names of fields in pairs, so that both fields of a pair can be removed from one response.

    A field is not paired with a field inside it, such as `error` with `error.code`. A name for which no partner remains
    forms a group of one.
    """
    left, pairs = list(names), list[tuple[str, ...]]()
    while left:
        first = left.pop(0)
        partner = next((name for name in reversed(left) if not name.startswith(f"{first}.")), None)
        if partner is not None:
            left.remove(partner)
        pairs.append((first, partner) if partner is not None else (first,))
    return pairs
