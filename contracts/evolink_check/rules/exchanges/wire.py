"""Rules about API keys, the JSON of responses, and undocumented routes and statuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.allowed_statuses import is_foreign, permitted
from evolink_check.rules.exchanges.attribution import (
    certain_faults,
    clause_of_malformed_response,
    creates_task,
    has_json_content_type,
    has_judgeable_status,
    is_judgeable,
    lacks_error_shape,
    must_be_refused,
)
from evolink_check.rules.exchanges.false_rejections import headers_to_blame, unknown_headers
from evolink_check.rules.exchanges.statuses import status_findings
from evolink_check.rules.registry import rule, rule_family
from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_UP_TO_SPACE = re.compile(rb'(?:[^"\s]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+\s')  # white space outside of strings
_ESCAPED_SLASH = re.compile(rb"(?<!\\)(?:\\\\)*\\/")
_TOO_MANY = 429


# API keys


@rule("auth.bearer")
def auth_bearer(view: TraceView) -> Iterator[Finding]:
    """A request without a valid API key gets a 401.

    A request with a valid API key never gets a 401.
    """
    yield from status_findings(view).get("auth.bearer", ())
    for observation in view.of("credits"):
        if has_judgeable_status(observation) and observation.account.valid and observation.status == 401:  # noqa: PLR2004
            yield violation(observation.number, expected="no 401: the key is known", seen="401")
    for observation in view.of("create", "query", "credits"):
        if observation.account.valid is False and (
            has_judgeable_status(observation) or clause_of_malformed_response(observation) == "auth.bearer"
        ):
            right = frozenset({429}) if observation.role == "credits" else permitted(observation, view)
            if observation.status == 401:  # noqa: PLR2004
                yield passed(observation.number)
            elif observation.status not in right:
                yield violation(
                    observation.number, expected="401: no valid key was sent", seen=str(observation.status)
                )


@rule("error.order")
def error_order(view: TraceView) -> Iterator[Finding]:
    """If several errors apply, the server should return the first in order.

    The order is 401, 429, 400, 403, 402.
    """
    keyless = any(not finding.passed for finding in auth_bearer(view))  # then only `auth.bearer` is reported
    for observation in view.of("create", "query"):
        applicable = _applicable(observation) if is_judgeable(observation) else []
        if len(applicable) < 2 or observation.status not in applicable:  # noqa: PLR2004
            continue
        if observation.status == applicable[0]:
            yield passed(observation.number)
        elif applicable[0] != 401 or not keyless:  # noqa: PLR2004
            yield violation(
                observation.number, expected=f"{applicable[0]} first", seen=str(observation.status)
            )


def _applicable(observation: Observation) -> list[int]:
    account, create = observation.account, observation.role == "create"
    wrong = bool(certain_faults(observation)) if create else is_foreign(observation.task_id)
    # In the documented order. True means that the error certainly applies.
    conditions = {
        401: account.valid is False,
        400: wrong,
        403: create and account.access is False,
        402: create and account.credits is False,
    }
    return [status for status, applies in conditions.items() if applies]


# The wire


@rule("wire.json")
def wire_json(view: TraceView) -> Iterator[Finding]:
    """Every response is JSON and has the content type of JSON."""
    for observation in view.api:
        if clause_of_malformed_response(observation) == "wire.json":
            kind = observation.header("Content-Type")
            seen = (
                f"the content type {kind!r:.80}"
                if not has_json_content_type(observation)
                else "a body that is not JSON"
            )
            yield violation(
                observation.number,
                expected="JSON as application/json",
                seen=f"{observation.status} with {seen}",
            )
        elif is_judgeable(observation):
            yield passed(observation.number)


@rule("wire.compact")
def wire_compact(view: TraceView) -> Iterator[Finding]:
    """The JSON of a response has no white space between its tokens."""
    for observation, body in view.once(_exact_bodies):
        if _UP_TO_SPACE.match(body):
            expected = "no white space between tokens"
            yield violation(observation.number, expected=expected, seen=f"{body[:60]!r}")
        else:
            yield passed(observation.number)


@rule("wire.slashes")
def wire_slashes(view: TraceView) -> Iterator[Finding]:
    """Slashes in the strings of a response are not escaped."""
    for observation, body in view.once(_exact_bodies):
        if b"/" not in body:
            continue
        match = _ESCAPED_SLASH.search(body) if b"\\/" in body else None
        if match:
            excerpt = body[max(0, match.start() - 20) : match.end() + 20]
            yield violation(observation.number, expected="unescaped slashes", seen=repr(excerpt))
        else:
            yield passed(observation.number)


def _exact_bodies(view: TraceView) -> list[tuple[Observation, bytes]]:
    return [
        (observation, observation.exchange.response_body.strip())
        for observation in view.api
        if observation.entry.exact and is_judgeable(observation)
    ]


@rule("wire.unknown-headers")
def wire_unknown_headers(view: TraceView) -> Iterator[Finding]:
    """The request headers `Idempotency-Key` and `X-…` do not change the response."""
    blamed = headers_to_blame(view)
    for observation in view.of("create", "query"):
        if observation.number in blamed:
            expected = f"the same answer as without the header {blamed[observation.number]}"
            yield violation(observation.number, expected=expected, seen=str(observation.status))
        elif (
            is_judgeable(observation)
            and unknown_headers(observation)
            and observation.status in permitted(observation, view) - {_TOO_MANY, 500}
        ):
            yield passed(observation.number)
    for first, second in view.once(creates_with_same_id):
        if share_idempotency_key(first, second):
            seen = f"twice {second.task_id[:60]}"
            yield violation(first.number, second.number, expected="a new task for each create", seen=seen)


def creates_with_same_id(view: TraceView) -> list[tuple[Observation, Observation]]:
    """Return pairs of create requests that got the same task id.

    The earlier request comes first.
    """
    first: dict[str, Observation] = {}
    pairs = []
    for create in view.of("create"):
        if create.task_id and is_judgeable(create):
            earlier = first.setdefault(create.task_id, create)
            if earlier is not create and not _is_recorded_twice(earlier, create, view):
                pairs.append((earlier, create))
    return pairs


def _is_recorded_twice(first: Observation, second: Observation, view: TraceView) -> bool:
    # For example, a web page and its service worker may record the same exchange.
    observation, other = first.entry, second.entry
    if observation.began == other.began and observation.exchange == other.exchange:
        return True
    bodies = [(entry.exchange.request_body, entry.exchange.response_body) for entry in (observation, other)]
    overlap = observation.began <= other.ended and other.began <= observation.ended
    return not view.trace.complete and overlap and bodies[0] == bodies[1]


def share_idempotency_key(first: Observation, second: Observation) -> bool:
    """Return whether two create requests have the same `Idempotency-Key`."""
    return first.sent("Idempotency-Key") is not None and (
        first.sent("Idempotency-Key") == second.sent("Idempotency-Key")
    )


# Other paths, methods and statuses


@rule_family(("error.other-paths", "error.other-methods"))
def errors_of_undocumented_routes(clause: str, view: TraceView) -> Iterator[Finding]:
    """Errors for undocumented paths and methods have the documented shape.

    If errors of the task endpoints lack this shape, no shape is checked here. `error.shape` or `wire.json`
    then reports those errors.
    """
    shapeless = view.once(lacks_error_shape)
    for observation in view.of("other path" if clause == "error.other-paths" else "other method"):
        if clause == "error.other-methods" and creates_task(observation, view):
            seen = f"{observation.status} with the task {observation.body['id']}"
            yield violation(observation.number, expected="an error: only POST creates a task", seen=seen)
        elif clause_of_malformed_response(observation) == clause and not shapeless:
            seen = (
                "a body that is not JSON" if observation.answer_json is NOT_JSON else "JSON of another shape"
            )
            yield violation(
                observation.number,
                expected="an error in the documented shape",
                seen=f"{observation.status} with {seen}",
            )
        elif is_judgeable(observation):
            yield passed(observation.number)


@rule("error.documented-status")
def documented_status(view: TraceView) -> Iterator[Finding]:
    """A request to a documented path gets a documented status."""
    for observation in view.of("create", "query"):
        if clause_of_malformed_response(observation) == "error.documented-status":
            listed = ", ".join(map(str, sorted({observation.success, *observation.errors})))
            yield violation(observation.number, expected=f"one of {listed}", seen=str(observation.status))
        elif is_judgeable(observation):
            yield passed(observation.number)


@rule("error.no-500")
def no_500(view: TraceView) -> Iterator[Finding]:
    """A server refuses an invalid request with a documented status, never with a 5xx."""
    for observation in view.of("create", "query"):
        if clause_of_malformed_response(observation) == "error.no-500":
            what = observation.faults[0].what if observation.faults else "a malformed id"
            yield violation(
                observation.number, expected=f"a documented refusal of {what}", seen=str(observation.status)
            )
        elif is_judgeable(observation) and must_be_refused(observation):
            yield passed(observation.number)
