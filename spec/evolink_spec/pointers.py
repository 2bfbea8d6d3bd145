"""JSON pointers (RFC 6901), and the `$ref` references of an OpenAPI document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from evolink_spec.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Collection

    from evolink_spec.models import Json

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


def join(pointer: str, *tokens: str | int) -> str:
    """Return the pointer to a member, for example `/paths/~1v1~1tasks` for `join("/paths", "/v1/tasks")`."""
    for token in tokens:
        text = str(token)
        if "~" in text or "/" in text:
            text = text.replace("~", "~0").replace("/", "~1")
        pointer = f"{pointer}/{text}"
    return pointer


def tokens(pointer: str) -> list[str]:
    """Return the parts of a pointer, unescaped, for example `["paths", "/v1/tasks"]` for `/paths/~1v1~1tasks`."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def follow(document: Json, pointer: str, source: str) -> Json:
    """Return the value at `pointer`. Raises `SpecError` if the document has no value there."""
    value = document
    for token in tokens(pointer):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise SpecError(source, pointer, "does not exist")
    return value


class Node:
    """A value in an OpenAPI document, with its location for errors.

    `mapping`, `items`, `text` and `number` raise `SpecError` if the value has another type.
    """

    __slots__ = ("document", "pointer", "source", "value")

    def __init__(self, document: Json, source: str, pointer: str = "", value: Any = None) -> None:
        self.document = document
        self.source = source
        self.pointer = pointer
        self.value = document if value is None and not pointer else value

    def error(self, problem: str) -> SpecError:
        """Return a `SpecError` with the location of this node."""
        return SpecError(self.source, self.pointer, problem)

    def mapping(self) -> dict[str, Json]:
        """Return the value. Raises `SpecError` if the value is not a mapping."""
        if not isinstance(self.value, dict):
            raise self.error(f"must be a mapping, not {type(self.value).__name__}")
        return self.value

    def items(self) -> list[Node]:
        """Return the items of the list, each with its `$ref` resolved.

        Raises `SpecError` if the value is not a list.
        """
        if not isinstance(self.value, list):
            raise self.error(f"must be a list, not {type(self.value).__name__}")
        return [self.below(index, value).resolved() for index, value in enumerate(self.value)]

    def text(self) -> str:
        """Return the value. Raises `SpecError` if the value is not text or is empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self.error(f"must be text, not {self.value!r:.80}")
        return self.value

    def number(self) -> float:
        """Return the value. Raises `SpecError` if the value is not a number, or if it is negative."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value < 0:
            raise self.error(f"must be a non-negative number, not {self.value!r:.80}")
        return self.value

    def below(self, token: str | int, value: Json) -> Node:
        """Return a node for the member or list item `token` of this node.

        `value` is its value. A `$ref` in `value` is not resolved.
        """
        return Node(self.document, self.source, join(self.pointer, token), value)

    def child(self, key: str) -> Node:
        """Return the member `key` with its `$ref` resolved. Raises `SpecError` if the member is missing."""
        member = self.get(key)
        if member is None:
            raise self.error(f"has no {key!r}")
        return member

    def get(self, key: str) -> Node | None:
        """Return the member `key` with its `$ref` resolved.

        Returns None if the member is missing.
        """
        members = self.mapping()
        return self.below(key, members[key]).resolved() if key in members else None

    def children(self) -> list[tuple[str, Node]]:
        """Return the name and the node of each member, in document order.

        Each `$ref` is resolved.
        """
        return [(str(key), self.child(key)) for key in self.mapping()]

    def fields(self, known: Collection[str]) -> dict[str, Node]:
        """Return all members with `$ref`s resolved. Extensions (`x-…`) are left out.

        Raises `SpecError` if the name of a member is not in `known`.
        """
        for key, value in self.mapping().items():
            if key not in known and not key.startswith("x-"):
                raise self.below(key, value).error("is not a supported field here")
        return {key: self.child(key) for key in self.mapping() if key in known}

    def resolved(self) -> Node:
        """Return the target of this node's `$ref`.

        Further `$ref`s are followed, too. A member beside a `$ref` replaces the member of the same name in the
        target.
        """
        node, seen = self, set[str]()
        while isinstance(node.value, dict) and "$ref" in node.value:
            target = node.value["$ref"]
            if not isinstance(target, str) or not target.startswith("#/"):
                raise node.error(
                    f"refers to {target!r}: only references within the same document are supported"
                )
            if target in seen:
                raise node.error(f"refers to itself through {target!r}")
            seen.add(target)
            pointer = unquote(target[1:])
            value = follow(self.document, pointer, self.source)
            siblings = {key: member for key, member in node.value.items() if key != "$ref"}
            merged = {**value, **siblings} if isinstance(value, dict) else value
            node = Node(self.document, self.source, pointer, merged)
        return node
