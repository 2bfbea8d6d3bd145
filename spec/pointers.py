"""JSON pointers (RFC 6901): write one, follow one, follow the `$ref`s of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spec.errors import SpecError

if TYPE_CHECKING:
    from spec.records import Json


def join(pointer: str, *tokens: str | int) -> str:
    """The pointer to a child: `join("/paths", "/v1/tasks")` is `/paths/~1v1~1tasks`."""
    return pointer + "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def follow(document: Json, pointer: str, source: str) -> Json:
    """The value at `pointer`; `SpecError` when the document has nothing there."""
    here = document
    for raw in pointer.split("/")[1:]:
        token = raw.replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(token)] if isinstance(here, list) else here[token]
        except (KeyError, IndexError, ValueError, TypeError):
            raise SpecError(source, pointer, "leads nowhere") from None
    return here


class Node:
    """A value of a document together with where it stands, so that every complaint can say so."""

    __slots__ = ("document", "pointer", "source", "value")

    def __init__(self, document: Json, source: str, pointer: str = "", value: Any = None) -> None:
        self.document = document
        self.source = source
        self.pointer = pointer
        self.value = document if value is None and not pointer else value

    def error(self, problem: str) -> SpecError:
        """An error about this place."""
        return SpecError(self.source, self.pointer, problem)

    def mapping(self) -> dict[str, Json]:
        """The value, which must be a mapping."""
        if not isinstance(self.value, dict):
            raise self.error(f"must be a mapping, not {type(self.value).__name__}")
        return self.value

    def child(self, key: str) -> Node:
        """The member `key`, its `$ref` followed; `SpecError` when it is missing."""
        found = self.get(key)
        if found is None:
            raise self.error(f"has no {key!r}")
        return found

    def get(self, key: str) -> Node | None:
        """The member `key`, its `$ref` followed, or None."""
        if key not in self.mapping():
            return None
        return Node(self.document, self.source, join(self.pointer, key), self.value[key]).resolved()

    def children(self) -> list[tuple[str, Node]]:
        """Every member in document order, `$ref`s followed."""
        return [(str(key), self.child(key)) for key in self.mapping()]

    def resolved(self) -> Node:
        """The node, or the one its chain of `$ref`s leads to. Siblings of `$ref` are annotations here."""
        node, seen = self, set[str]()
        while isinstance(node.value, dict) and "$ref" in node.value:
            target = node.value["$ref"]
            if not isinstance(target, str) or not target.startswith("#/"):
                raise node.error(
                    f"refers to {target!r}: only references inside the same document are understood"
                )
            if target in seen:
                raise node.error(f"refers to itself through {target!r}")
            seen.add(target)
            node = Node(
                self.document, self.source, target[1:], follow(self.document, target[1:], self.source)
            )
        return node
