"""Rules that hold for every exchange with the API: the key, the wire, the shape of what is no task. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import is_foreign, permitted
from evolink_check.rules.exchanges.attribution import (
    certain_faults,
    charged_clause,
    is_judgeable,
    is_nonsense,
    is_shapeless,
    says_json,
)
from evolink_check.rules.exchanges.false_rejections import headers_to_blame, unknown_headers
from evolink_check.rules.exchanges.statuses import judged
from evolink_check.rules.registry import rule, rule_family
from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SPACE = re.compile(rb"\s")
_ESCAPED_SLASH = re.compile(rb"(?<!\\)(?:\\\\)*\\/")
_TOO_MANY = 429


# The key


@rule("auth.bearer")
def auth_bearer(reading: TraceView) -> Iterator[Finding]:
    """A key that is none, or wrong, is 401 and nothing else; one that is known is not 401."""
    yield from judged(reading).get("auth.bearer", ())
    for one in reading.of("credits"):
        if is_judgeable(one) and one.account.valid and one.status == 401:  # noqa: PLR2004
            yield violation(one.number, expected="no 401: the key is known", seen="401")
    for one in reading.of("create", "query", "credits"):
        if one.account.valid is False and (is_judgeable(one) or charged_clause(one) == "auth.bearer"):
            right = frozenset({429}) if one.role == "credits" else permitted(one, reading)
            if one.status == 401:  # noqa: PLR2004
                yield passed(one.number)
            elif one.status not in right:
                yield violation(one.number, expected="401: no valid key was sent", seen=str(one.status))


@rule("error.order")
def error_order(reading: TraceView) -> Iterator[Finding]:
    """Of several errors the first of 401, 429, 400, 403, 402 is told; any of them is accepted."""
    keyless = any(not found.passed for found in auth_bearer(reading))  # then that is told, and not this
    for one in reading.of("create", "query"):
        applicable = _applicable(one) if is_judgeable(one) else []
        if len(applicable) < 2 or one.status not in applicable:  # noqa: PLR2004
            continue
        if one.status == applicable[0]:
            yield passed(one.number)
        elif applicable[0] != 401 or not keyless:  # noqa: PLR2004
            yield violation(one.number, expected=f"{applicable[0]} first", seen=str(one.status))


def _applicable(one: Observation) -> list[int]:
    """The errors that surely apply, in their order."""
    account, create = one.account, one.role == "create"
    wrong = bool(certain_faults(one)) if create else is_foreign(one.task_id)
    found = {
        401: account.valid is False,
        400: wrong,
        403: create and account.access is False,
        402: create and account.credits is False,
    }
    return [status for status, applies in found.items() if applies]


# The wire


@rule("wire.json")
def wire_json(reading: TraceView) -> Iterator[Finding]:
    """Every answer is JSON, and says so."""
    for one in reading.api:
        if charged_clause(one) == "wire.json":
            kind = one.header("Content-Type")
            seen = f"the content type {kind!r:.80}" if not says_json(one) else "a body that is no JSON"
            yield violation(one.number, expected="JSON as application/json", seen=f"{one.status} with {seen}")
        elif is_judgeable(one):
            yield passed(one.number)


@rule("wire.compact")
def wire_compact(reading: TraceView) -> Iterator[Finding]:
    """No white space between the tokens of a body."""
    for one, body in _exact_bodies(reading):
        yield finding(
            not _SPACE.search(_STRING.sub(b"", body)),
            one.number,
            expected="no white space between tokens",
            seen=f"{body[:60]!r}",
        )


@rule("wire.slashes")
def wire_slashes(reading: TraceView) -> Iterator[Finding]:
    """A slash in a string is a slash."""
    for one, body in _exact_bodies(reading):
        if b"/" not in body:
            continue
        found = _ESCAPED_SLASH.search(body)
        if found:
            shown = body[max(0, found.start() - 20) : found.end() + 20]
            yield violation(one.number, expected="slashes as they are", seen=repr(shown))
        else:
            yield passed(one.number)


def _exact_bodies(reading: TraceView) -> Iterator[tuple[Observation, bytes]]:
    for one in reading.api:
        if one.entry.exact and is_judgeable(one):
            yield one, one.entry.exchange.response_body.strip()


@rule("wire.unknown-headers")
def wire_unknown_headers(reading: TraceView) -> Iterator[Finding]:
    """A request with `Idempotency-Key` or `X-…` is answered as without."""
    blamed = headers_to_blame(reading)
    for one in reading.of("create", "query"):
        if one.number in blamed:
            expected = f"the answer as without the header {blamed[one.number]}"
            yield violation(one.number, expected=expected, seen=str(one.status))
        elif (
            is_judgeable(one)
            and unknown_headers(one)
            and one.status in permitted(one, reading) - {_TOO_MANY, 500}
        ):
            yield passed(one.number)
    for first, second in reading.once(twins):
        if shared_key(first, second):
            seen = f"twice {second.task_id[:60]}"
            yield violation(first.number, second.number, expected="another task each time", seen=seen)


def twins(reading: TraceView) -> list[tuple[Observation, Observation]]:
    """Each create that was answered with the id of an earlier one, behind that one."""
    first: dict[str, Observation] = {}
    found = []
    for one in reading.of("create"):
        if one.task_id and is_judgeable(one):
            earlier = first.setdefault(one.task_id, one)
            if earlier is not one and not _is_same(earlier, one, reading):
                found.append((earlier, one))
    return found


def _is_same(first: Observation, second: Observation, reading: TraceView) -> bool:
    """Whether two entries are one exchange: read twice, or recorded twice, as of a page and its service worker."""
    one, other = first.entry, second.entry
    if one.began == other.began and one.exchange == other.exchange:
        return True
    bodies = [(entry.exchange.request_body, entry.exchange.response_body) for entry in (one, other)]
    overlap = one.began <= other.ended and other.began <= one.ended
    return not reading.trace.complete and overlap and bodies[0] == bodies[1]


def shared_key(first: Observation, second: Observation) -> bool:
    """Whether two creates carry the same Idempotency-Key, which is not documented and changes nothing."""
    return first.sent("Idempotency-Key") is not None and (
        first.sent("Idempotency-Key") == second.sent("Idempotency-Key")
    )


# What is no answer of a task


@rule_family(("error.other-paths", "error.other-methods"))
def elsewhere(clause: str, reading: TraceView) -> Iterator[Finding]:
    """Other paths, other methods: the documented error shape too. When no error has it, that is told once."""
    shapeless = reading.once(is_shapeless)
    for one in reading.of("other path" if clause == "error.other-paths" else "other method"):
        if charged_clause(one) == clause and not shapeless:
            seen = "a body that is no JSON" if one.answer is NOT_JSON else "JSON of another shape"
            yield violation(
                one.number, expected="an error in the documented shape", seen=f"{one.status} with {seen}"
            )
        elif is_judgeable(one):
            yield passed(one.number)


@rule("error.documented-status")
def documented_status(reading: TraceView) -> Iterator[Finding]:
    """A documented path answers with a documented status only."""
    for one in reading.of("create", "query"):
        if charged_clause(one) == "error.documented-status":
            listed = ", ".join(map(str, sorted({one.success, *one.errors})))
            yield violation(one.number, expected=f"one of {listed}", seen=str(one.status))
        elif is_judgeable(one):
            yield passed(one.number)


@rule("error.no-500")
def no_500(reading: TraceView) -> Iterator[Finding]:
    """An invalid request is refused as documented, never answered with a 5xx."""
    for one in reading.of("create", "query"):
        if charged_clause(one) == "error.no-500":
            what = one.faults[0].what if one.faults else "an id that is none"
            yield violation(one.number, expected=f"a documented refusal of {what}", seen=str(one.status))
        elif is_judgeable(one) and is_nonsense(one):
            yield passed(one.number)
