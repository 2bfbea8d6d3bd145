"""One request to send to a server, with the clauses that its response may satisfy or violate."""

from __future__ import annotations

from dataclasses import dataclass

from evolink_check.traffic.trace import MAIN

VALID = (
    "create.accepts",
    "create.unknown-fields",
    "prompt.length",
)  # the clauses that generated valid creates are about


@dataclass(frozen=True, slots=True)
class Case:
    """One request to the API.

    `path` is below the base URL, with its query string. `headers` do not include Authorization, Host and
    Content-Length. `key` is the label of the account whose key is sent: `main`, `other`, `wrong`, `nobody` for none,
    or a label of the configuration; `authorization`, unless None, is sent as the whole header instead, and `key` is
    then `nobody`. `clauses` are those that the response may satisfy or violate. `creates`: a correct server may create
    a task from it, or a careless one certainly would.
    """

    name: str
    clauses: tuple[str, ...]
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    key: str = MAIN
    authorization: str | None = None
    creates: bool = False


def concerns(case: Case, wanted: frozenset[str]) -> bool:
    """Whether the case is about one of these clauses; always true for an empty set."""
    return not wanted or not wanted.isdisjoint(case.clauses)
