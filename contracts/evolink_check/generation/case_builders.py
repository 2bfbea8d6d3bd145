"""Build `Case` records. Decide which clauses a request tests, and whether it can create a task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.request_faults import create_faults
from evolink_check.generation.case import Case
from evolink_check.traffic.trace import MAIN, NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec import CreateOperation, Spec

    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.settings import Subject

Headers = tuple[tuple[str, str], ...]
JSON: Headers = (("Content-Type", "application/json"),)

# The clauses that the response to any request tests.
ANSWERED = ("wire.json", "wire.compact", "wire.slashes", "error.documented-status", "error.no-500")
REFUSED = (*ANSWERED, "error.shape", "error.no-id", "error.order")
# The clauses that the response to an accepted create request tests.
ACCEPTED = (
    *("create.accepts", "create.answers-200", "create.schema", "create.complete", "create.pending-first"),
    *("create.readable-at-once", "model.actual", "id.format", "id.created", "id.unique", "task.created"),
    *("task.kind", "task.estimated-time", "task.identity", "usage.shape", "credits.reserved", *ANSWERED),
)


def compact_json(value: Any) -> bytes:
    """Encode a value as JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def faults_of(
    operation: CreateOperation, spec: Spec, headers: Headers, body: bytes
) -> tuple[RequestFault, ...]:
    """Return the faults of a create request, each with the clause that it violates."""
    return create_faults(headers, body, spec.creates[(operation.method, operation.path)])


def create_case(  # noqa: PLR0913  (a request has so many parts)
    name: str,
    operation: CreateOperation,
    spec: Spec,
    body: Any,
    *,
    headers: Headers = JSON,
    key: str = MAIN,
    authorization: str | None = None,
    about: Iterable[str] = (),
) -> Case:
    """Return a case for a create request.

    The case tests the clauses in `about` and the clauses that its faults violate. `Case.creates` is False if every
    correct server must reject the headers or the body. `Case.creates` is also False if no API key is sent. The server
    then has no account for the task.
    """
    raw = body if isinstance(body, bytes) else compact_json(body)
    faults = faults_of(operation, spec, headers, raw)
    certain = [fault.clause for fault in faults if fault.sure]
    # without a key, there is no account to charge
    anonymous = authorization is not None or key == NOBODY
    errors = ["create.error-400"] * bool(faults) + ["create.error-401"] * (key != MAIN or anonymous)
    clauses = [*about, *certain, *(fault.clause for fault in faults), *errors, "create.error-500"]
    refused = bool(certain) or anonymous
    return Case(
        name=name,
        clauses=tuple(dict.fromkeys((*clauses, *(REFUSED if refused else ACCEPTED)))),
        method=operation.method,
        path=operation.path,
        headers=headers,
        body=raw,
        key=NOBODY if anonymous else key,
        authorization=authorization,
        creates=not refused,
    )


def query_case(  # noqa: PLR0913  (a request has so many parts)
    name: str,
    spec: Spec,
    task_id: str,
    *about: str,
    headers: Headers = (),
    key: str = MAIN,
    authorization: str | None = None,
) -> Case:
    """Return a query of a task. `task_id` must be percent-encoded, as in a path."""
    path = f"{spec.query.path.partition('{')[0]}{task_id}"
    who = NOBODY if authorization is not None else key
    return Case(
        name, (*about, "query.error-500", *REFUSED), spec.query.method, path, headers, b"", who, authorization
    )


def bodyless_case(name: str, method: str, path: str, *about: str, **more: Any) -> Case:
    """Return a request without a body that queries no task.

    `about` are the clauses that the request tests.
    """
    return Case(name, (*about, *REFUSED), method, path, **more)


def can_send_wrong_keys(subject: Subject) -> bool:
    """Whether requests with wrong keys may be sent. The result is False if the server may accept wrong keys."""
    return not subject.any_key and "auth.bearer" not in subject.cannot


def is_plain_segment(text: str) -> bool:
    """Whether every server reads the text as one path segment.

    Separators and control characters are not allowed. The text must not be empty or consist of dots, such as `..`.
    """
    odd = ("/", "?", "#", "%2F", "%5C", "%00", "%0A", "%0D", "%09", "%25")
    return bool(text.strip(".")) and not any(sequence in text.upper() for sequence in odd)
