"""Requests for undocumented paths, and requests with undocumented methods for documented paths."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.generation.case_builders import REFUSED, bodyless_case, create_case
from evolink_check.traffic.trace import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import CreateOperation, Spec

    from evolink_check.generation.case import Case

_OTHER_METHODS = ("PUT", "PATCH", "DELETE")


def creates_by_other_methods(
    operation: CreateOperation, spec: Spec, good: Mapping[str, Any]
) -> Iterator[Case]:
    """Yield requests with a valid body and an undocumented method.

    The requests need a budget, because an incorrect server may create tasks from them.
    """
    for method in _OTHER_METHODS:
        valid = create_case(f"{method} with a valid body", operation, spec, good)
        yield replace(valid, method=method, clauses=("error.other-methods", *REFUSED))


def undocumented_routes(spec: Spec, task_id: str) -> Iterator[Case]:
    """Yield requests with undocumented methods for documented paths, and requests for undocumented paths.

    HEAD and OPTIONS are left out, because a correct server may support them.
    """
    for _, path in spec.creates:
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            yield bodyless_case(f"{method} instead", method, path, "error.other-methods")
    task = f"{spec.query.path.partition('{')[0]}{task_id}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        yield bodyless_case(f"{method} of a task", method, task, "error.other-methods")
    for path in (
        "/v1/no/such/path",
        "/v2/videos/generations",
        "/v1/task/1",
        "/v1/nothing?x=1",
        "/no-such-path",
    ):
        yield bodyless_case(f"the path {path}", "GET", path, "error.other-paths")
    yield bodyless_case(
        "another path without a key", "GET", "/v1/no/such/path", "error.other-paths", key=NOBODY
    )
