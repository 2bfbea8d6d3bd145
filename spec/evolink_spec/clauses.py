"""The clauses: the rules of the contract, for servers, clients and callback receivers. Reports cite their ids."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from evolink_spec.documents import read
from evolink_spec.pointers import Node, join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Binds = Literal["client", "receiver", "server"]
Level = Literal["advice", "must"]
Severity = Literal["failure", "warning"]
Where = Literal["callback", "create", "credits", "exchange", "link", "query", "trace", "unseen"]

CLAUSES = Path(__file__).parent / "clauses.yaml"
_KEYS = ("id", "rule", "document", "pointer", "binds", "level", "severity", "observed", "choice")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


@dataclass(frozen=True, slots=True)
class ObservationPoint:
    """Where a violation of a clause can be observed in the traffic.

    The comment at the top of clauses.yaml explains the values of `where`.
    """

    where: Where
    by: str  # what to look at, in words


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule for servers, clients or callback receivers."""

    id: str
    rule: str  # what must hold
    document: str | None  # the file in `openapi/` that states the rule; None if none of them does
    pointer: str | None  # the JSON pointer to the rule in `document`; None if `document` is None
    binds: Binds  # who must follow the rule
    # `must` if a document or another publication states the rule, even if unclearly; otherwise `advice`
    level: Level
    severity: Severity  # whether a check reports a violation as a failure or as a warning
    observed: ObservationPoint
    choice: str | None = None  # our decision, with its reason, if the documents are silent or unclear


def load_clauses(path: Path = CLAUSES) -> tuple[Clause, ...]:
    """Return the clauses in a file, in the order of the file.

    The default is clauses.yaml. Raises `SpecError` if the file is malformed. The error names the file and the place in
    it.
    """
    root = Node(read(path), str(path))
    _check_keys(root, "clauses")
    listed = root.child("clauses")
    if not isinstance(listed.value, list) or not listed.value:
        raise listed.error("must be a list with at least one clause")
    clauses: dict[str, Clause] = {}
    for index, value in enumerate(listed.value):
        node = Node(listed.document, listed.source, join(listed.pointer, index), value)
        clause = _clause(node)
        if clause.id in clauses:
            raise node.child("id").error(f"{clause.id!r} appears twice")
        clauses[clause.id] = clause
    return tuple(clauses.values())


def with_warnings(clauses: Iterable[Clause], ids: Collection[str]) -> tuple[Clause, ...]:
    """Return `clauses`, with the severity `warning` for the clauses in `ids`."""
    return tuple(replace(clause, severity="warning") if clause.id in ids else clause for clause in clauses)


def _clause(node: Node) -> Clause:
    _check_keys(node, *_KEYS)
    document, pointer = node.child("document"), node.child("pointer")
    if (document.value is None) != (pointer.value is None):
        raise pointer.error("and `document` must be given together")
    return Clause(
        id=_id(node.child("id")),
        rule=_line(node.child("rule")),
        document=None if document.value is None else _line(document),
        pointer=None if pointer.value is None else _line(pointer),
        binds=_one_of(node.child("binds"), Binds),
        level=_one_of(node.child("level"), Level),
        severity=_one_of(node.child("severity"), Severity),
        observed=_observation(node.child("observed")),
        choice=_line(node.child("choice")) if "choice" in node.mapping() else None,
    )


def _observation(node: Node) -> ObservationPoint:
    _check_keys(node, "in", "by")
    return ObservationPoint(where=_one_of(node.child("in"), Where), by=_line(node.child("by")))


def _check_keys(node: Node, *known: str) -> None:
    for key in node.mapping():
        if key not in known:
            raise node.error(f"has {key!r}, which is not one of {', '.join(known)}")


def _id(node: Node) -> str:
    if not _ID.fullmatch(_line(node)):
        raise node.error(f"{node.value!r} is not a dotted lower-case id such as task.final")
    return str(node.value)


def _line(node: Node) -> str:
    if not isinstance(node.value, str) or not node.value.strip() or "\n" in node.value:
        raise node.error("must be one line of text")
    return node.value


def _one_of(node: Node, vocabulary: Any) -> Any:
    allowed = get_args(vocabulary)
    if node.value not in allowed:
        raise node.error(f"{node.value!r} is not one of {', '.join(allowed)}")
    return node.value
