"""One request to a server, with the clauses that the response may satisfy or violate."""

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
    """One request to the API.

    `path` is below the base URL and includes the query string. `headers` do not include Authorization, Host and
    Content-Length. `key` is the label of the account whose API key is sent: `main`, `other`, `wrong`, `nobody` for no
    key, or a label from the configuration. If `authorization` is not None, it is the value of the Authorization header,
    and `key` is `nobody`. The response may satisfy or violate the `clauses`. `creates` is true if the request may
    create a task, on a correct server or on a server that does not check the API key or the method.
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
    """Whether the response may satisfy or violate one of the `wanted` clauses; always true if `wanted` is empty."""
    return not wanted or not wanted.isdisjoint(case.clauses)
