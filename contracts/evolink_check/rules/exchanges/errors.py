"""Rules about error responses: their shape, codes and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.attribution import (
    clause_of_malformed_response,
    ignores_invalid_key,
    is_error,
    is_judgeable,
    lacks_error_shape,
)
from evolink_check.rules.registry import rule, rule_family
from evolink_check.traffic.formats import NOT_JSON, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation, Role
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding


_UNAUTHORIZED = 401
_STATUSES: Mapping[Role, tuple[int, ...]] = {
    "create": (400, 401, 402, 403, 429, 500),
    "query": (400, 401, 402, 403, 404, 429, 500),
}
_CODES = {f"{role}.error-{status}": (role, status) for role, all_ in _STATUSES.items() for status in all_}


@rule("error.shape")
def shape(view: TraceView) -> Iterator[Finding]:
    """An error of a task endpoint is `{"error": {code, message, type}}`.

    The three members are strings.
    """
    for observation in view.of("create", "query"):
        if clause_of_malformed_response(observation) == "error.shape":
            expected = "an `error` with code, message and type, all strings"
            yield violation(
                observation.number,
                expected=expected,
                seen=f"{observation.status} with {_outline(observation.answer_json)}",
            )
        elif is_error(observation) and is_judgeable(observation):
            yield passed(observation.number)


def _outline(answer: Any) -> str:
    # The values are not shown.
    if not isinstance(answer, dict):
        return f"a JSON {type(answer).__name__}"
    inner = answer.get("error")
    shown = inner if isinstance(inner, dict) else answer
    members = ", ".join(
        f"{str(name)[:20]}: {type(value).__name__}" for name, value in list(shown.items())[:6]
    )
    return f"error {{{members}}}" if shown is inner else f"{{{members}}}"


@rule("error.no-id")
def no_id(view: TraceView) -> Iterator[Finding]:
    """The JSON of an error response has no member `id` at any depth."""
    for observation in view.api:
        if is_error(observation) and observation.answer_json is not NOT_JSON:
            if _has_id(observation.answer_json):
                yield violation(
                    observation.number,
                    expected="no member `id`",
                    seen=f"{observation.status} with an `id` in its body",
                )
            elif is_judgeable(observation):
                yield passed(observation.number)


def _has_id(answer: Any) -> bool:
    level = [answer]
    while level:
        if any(isinstance(value, dict) and "id" in value for value in level):
            return True
        level = [inner for value in level for inner in parts_of(value)]
    return False


@rule_family(_CODES)
def code(clause: str, view: TraceView) -> Iterator[Finding]:
    """An error has the code and type of the documented example."""
    role, status = _CODES[clause]
    for observation in view.of(role):
        if observation.status == status and is_judgeable(observation):
            documented = _documented(observation, view)
            error = observation.body["error"]
            code_and_type = error["code"], error.get("type")
            if code_and_type in documented:
                yield passed(observation.number)
            elif documented and not ignores_invalid_key(observation):  # `auth.bearer` reports an invalid key
                expected = " or ".join(f"code {code}, type {kind}" for code, kind in documented)
                seen = f"code {error['code']!r:.40}, type {error.get('type')!r:.40}"
                yield violation(observation.number, expected=expected, seen=seen)


def _documented(observation: Observation, view: TraceView) -> list[tuple[Any, Any]]:
    """Return the documented pairs of code and type for this status."""
    operations: Iterable[Mapping[int, Any]] = [observation.errors]
    # A server may refuse such a request before it reads the model. The examples of all models with this path
    # are then allowed.
    if observation.operation and (observation.faults or observation.status == _UNAUTHORIZED):
        creates = view.spec.creates[observation.operation.method, observation.operation.path]
        operations = [operation.errors for operation in creates.values()]
    bodies = [
        errors[observation.status].body["error"] for errors in operations if observation.status in errors
    ]
    return list(dict.fromkeys((body.get("code"), body.get("type")) for body in bodies))


@rule("credits.integer-codes")
def integer_codes(view: TraceView) -> Iterator[Finding]:
    """The `error.code` of a failed credits request is the HTTP status, an integer."""
    for observation in view.of("credits"):
        if clause_of_malformed_response(observation) == "credits.integer-codes":
            if view.once(lacks_error_shape) and not isinstance(observation.body.get("error"), dict):
                continue
            expected = f"`error.code` {observation.status}, an integer"
            yield violation(observation.number, expected=expected, seen=_outline(observation.answer_json))
        elif is_error(observation) and is_judgeable(observation):
            yield passed(observation.number)
