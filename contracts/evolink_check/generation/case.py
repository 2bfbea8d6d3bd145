"""What is sent to a server, and what it must provoke. Records only; strategies draw them."""

from __future__ import annotations

from dataclasses import dataclass

from evolink_check.traffic.trace import MAIN

VALID = (
    "create.accepts",
    "create.unknown-fields",
    "prompt.length",
)  # what drawn creates that are right speak of


@dataclass(frozen=True, slots=True)
class Case:
    """One request to the API.

    `path` is below the base URL, with its query string. `headers` are without Authorization, Host and
    Content-Length. `key` is the label of the account whose key is sent: `main`, `other`, `wrong`, `nobody` for none,
    or a label of the configuration; `authorization`, when given, is sent as the whole header instead (of `nobody`).
    `clauses` are those that the answer may speak for or against. `creates`: a correct server may make a task of it,
    or a careless one surely would.
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


def speaks(case: Case, wanted: frozenset[str]) -> bool:
    """Whether it may speak of one of these clauses; of any, when none is named."""
    return not wanted or not wanted.isdisjoint(case.clauses)
