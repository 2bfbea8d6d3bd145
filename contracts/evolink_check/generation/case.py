"""The record of a generated request (`Case`)."""

from __future__ import annotations

from dataclasses import dataclass

from evolink_check.traffic.trace import MAIN

VALID = (
    "create.accepts",
    "create.unknown-fields",
    "prompt.length",
)  # the clauses that generated valid create requests test


@dataclass(frozen=True, slots=True)
class Case:
    """One request to the API, with the clauses that its response can test."""

    name: str
    clauses: tuple[str, ...]
    method: str
    path: str  # relative to the base URL, with the query string
    headers: tuple[tuple[str, str], ...] = ()  # without Authorization, Host and Content-Length
    body: bytes = b""
    key: str = MAIN  # whose API key is sent: `main`, `other`, `wrong`, `nobody` (no key), or another label
    authorization: str | None = None  # the value of the Authorization header; `key` is then `nobody`
    creates: bool = False  # whether a server may create a task, for example because it ignores a wrong key


def concerns(case: Case, wanted: frozenset[str]) -> bool:
    """Whether the case tests one of the `wanted` clauses. An empty `wanted` means all clauses."""
    return not wanted or not wanted.isdisjoint(case.clauses)
