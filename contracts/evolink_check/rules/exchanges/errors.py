"""Rules over refusals: their shape, their codes and types, and when a query is refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.attribution import (
    charged_clause,
    is_error,
    is_judgeable,
    is_keyless,
    is_shapeless,
)
from evolink_check.rules.registry import rule, rule_family
from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation, Role, TraceView
    from evolink_check.analysis.verdicts import Finding


_STATUSES: Mapping[Role, tuple[int, ...]] = {
    "create": (400, 401, 402, 403, 429, 500),
    "query": (400, 401, 402, 403, 404, 429, 500),
}
_CODES = {f"{role}.error-{status}": (role, status) for role, all_ in _STATUSES.items() for status in all_}


@rule("error.shape")
def shape(reading: TraceView) -> Iterator[Finding]:
    """An error of a task endpoint is `{"error": {code, message, type}}`, all three strings (clause `error.shape`)."""
    for one in reading.of("create", "query"):
        if charged_clause(one) == "error.shape":
            expected = "an `error` with code, message and type, all strings"
            yield violation(one.number, expected=expected, seen=f"{one.status} with {_outline(one.answer)}")
        elif is_error(one) and is_judgeable(one):
            yield passed(one.number)


def _outline(answer: Any) -> str:
    """The names and types in a body, without its values."""
    if not isinstance(answer, dict):
        return f"a JSON {type(answer).__name__}"
    inner = answer.get("error")
    named = inner if isinstance(inner, dict) else answer
    told = ", ".join(f"{str(name)[:20]}: {type(value).__name__}" for name, value in list(named.items())[:6])
    return f"error {{{told}}}" if named is inner else f"{{{told}}}"


@rule("error.no-id")
def no_id(reading: TraceView) -> Iterator[Finding]:
    """An error body has no member `id` anywhere (clause `error.no-id`)."""
    for one in reading.api:
        if is_error(one) and one.answer is not NOT_JSON:
            if _has_id(one.answer):
                yield violation(
                    one.number, expected="no member `id`", seen=f"{one.status} with an `id` in its body"
                )
            elif is_judgeable(one):
                yield passed(one.number)


def _has_id(answer: Any) -> bool:
    level = [answer]
    while level:
        if any(isinstance(value, dict) and "id" in value for value in level):
            return True
        level = [inner for value in level for inner in _inner(value)]
    return False


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@rule_family(_CODES)
def code(clause: str, reading: TraceView) -> Iterator[Finding]:
    """Code and type of a status are those of the documented example (clauses `create.error-…`, `query.error-…`)."""
    role, status = _CODES[clause]
    for one in reading.of(role):
        if one.status == status and is_judgeable(one):
            documented = _documented(one, reading)
            error = one.body["error"]
            told = error["code"], error["type"]
            if told in documented:
                yield passed(one.number)
            elif documented and not is_keyless(one):  # else its status is told, by `auth.bearer`
                expected = " or ".join(f"code {code}, type {kind}" for code, kind in documented)
                yield violation(
                    one.number, expected=expected, seen=f"code {told[0]!r:.40}, type {told[1]!r:.40}"
                )


def _documented(one: Observation, reading: TraceView) -> list[tuple[Any, Any]]:
    """Code and type of the examples; of a create without a known model, those of any document."""
    operations: Iterable[Mapping[int, Any]] = [one.errors]
    if one.operation and one.faults:
        creates = reading.spec.creates[one.operation.method, one.operation.path]
        operations = [operation.errors for operation in creates.values()]
    bodies = [errors[one.status].body["error"] for errors in operations if one.status in errors]
    return list(dict.fromkeys((body.get("code"), body.get("type")) for body in bodies))


@rule("credits.integer-codes")
def integer_codes(reading: TraceView) -> Iterator[Finding]:
    """An error of `/v1/credits` carries an integer code, its HTTP status (clause `credits.integer-codes`)."""
    for one in reading.of("credits"):
        if charged_clause(one) == "credits.integer-codes":
            if reading.once(is_shapeless) and not isinstance(one.body.get("error"), dict):
                continue
            expected = f"`error.code` {one.status}, an integer"
            yield violation(one.number, expected=expected, seen=_outline(one.answer))
        elif is_error(one) and is_judgeable(one):
            yield passed(one.number)
