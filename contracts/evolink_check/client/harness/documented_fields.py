"""The documented fields of responses, from the OpenAPI documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec.pointers import Node, follow
from evolink_spec.schemas import properties_of, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_spec import CreateOperation, QueryOperation, Spec


def fields_of(spec: Spec, operation: CreateOperation | QueryOperation, status: int) -> dict[str, bool]:
    """Return the documented fields of a response.

    The result says for each field whether the field may be null. Nested fields have dotted names such as
    `task_info.can_cancel`.
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
    """Group the names of fields in pairs.

    A field is not paired with its own parts, such as `error` with `error.code`. A name without a partner forms a group
    of one.
    """
    # Both fields of a pair will be removed from one response.
    left, pairs = list(names), list[tuple[str, ...]]()
    while left:
        first = left.pop(0)
        partner = next((name for name in reversed(left) if not name.startswith(f"{first}.")), None)
        if partner is not None:
            left.remove(partner)
        pairs.append((first, partner) if partner is not None else (first,))
    return pairs
