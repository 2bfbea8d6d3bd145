"""The status of every create and query, held against what the request deserved; each violation for one clause. Pure.

Most clauses about a status have no rule but this one; the others take theirs from `judged(reading)[clause]`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import Finding, finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import is_foreign, is_own, never_given, permitted
from evolink_check.rules.exchanges.attribution import certain_faults, is_judgeable, well_formed
from evolink_check.rules.exchanges.false_rejections import findings_of_valid, headers_to_blame
from evolink_check.rules.registry import rule_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation, TraceView

    Told = Iterator[tuple[str, Finding]]

_BY_STATUS = (
    *("body.json", "body.required", "create.unknown-fields", "create.required", "create.types"),
    *("model.enum", "model.alias", "model.access", "prompt.length"),
    *("create.image-urls-max-one", "create.image-urls-uri", "create.image-urls-empty"),
    *("duration.enum", "mode.enum", "quality.enum"),
    *("callback.https-only", "callback.max-length", "callback.uri", "callback.no-internal"),
    *("callback.unresolved", "create.accepts"),
    *("query.id-prefix", "query.unknown-id", "query.own-tasks"),
)
_EITHER = {"create.image-urls-empty", "prompt.length"}  # any documented answer keeps these


@rule_family(_BY_STATUS)
def of_status(clause: str, reading: TraceView) -> Iterable[Finding]:
    """What the statuses of creates and queries say of a clause."""
    return judged(reading).get(clause, ())


def judged(reading: TraceView) -> Mapping[str, list[Finding]]:
    """The findings of each clause that is about a status, in the order of the trace."""
    return reading.once(_judged)


def _judged(reading: TraceView) -> Mapping[str, list[Finding]]:
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    blamed = headers_to_blame(reading)
    judged = [one for one in reading.of("create", "query") if is_judgeable(one) and one.number not in blamed]
    for clause, observed in _all(judged, reading):
        found[clause].append(observed)
    found.default_factory = None
    return found


def _all(judged: Iterable[Observation], reading: TraceView) -> Told:
    yield from findings_of_valid(reading)
    for one in judged:
        if one.account.valid is False:
            continue
        if one.status == 401 and one.account.valid:  # noqa: PLR2004
            yield "auth.bearer", violation(one.number, expected="no 401: the key is known", seen="401")
        elif one.role == "create":
            yield from _of_create(one, reading)
        else:
            yield from _of_query(one, reading)


def _of_create(one: Observation, reading: TraceView) -> Told:
    clauses = list(dict.fromkeys(fault.clause for fault in one.faults))
    refusing = certain_faults(one)
    if one.account.access is False and not one.faults:
        yield from _of_the_barred(one)
    elif not refusing:
        yield from ((clause, passed(one.number)) for clause in clauses if _is_either(clause, one))
    elif one.status == one.success:
        first = refusing[0]
        yield first.clause, violation(one.number, expected=f"400 for {first.what}", seen=str(one.status))
    elif len(clauses) == 1:
        yield from _refused(one, permitted(one, reading))


def _is_either(clause: str, one: Observation) -> bool:
    """Whether an answer to what may be accepted or not is one to that: 429, say, is about the key."""
    return clause in _EITHER and one.status in {one.success, 400}


def _refused(one: Observation, right: frozenset[int]) -> Told:
    """A refusal of what has one thing wrong."""
    fault = certain_faults(one)[0]
    if one.status == 400 or (one.status == 403 and fault.clause == "model.enum"):  # noqa: PLR2004
        yield fault.clause, passed(one.number)
    elif one.status not in right:
        yield fault.clause, violation(one.number, expected=f"400 for {fault.what}", seen=str(one.status))


def _of_the_barred(one: Observation) -> Told:
    """A create that has nothing wrong but that its account may not use the model (clause `model.access`)."""
    if one.status == 403:  # noqa: PLR2004
        model = one.asked.get("model", "")
        actual = one.operation.aliases.get(model, model) if one.operation else model
        message = one.body["error"]["message"]
        yield (
            "model.access",
            finding(
                model in message or actual in message,
                one.number,
                expected="a message that names the model",
                seen="none there",
            ),
        )
    elif one.status in {one.success, 400}:
        expected = "403: the account has no access to the model"
        yield "model.access", violation(one.number, expected=expected, seen=str(one.status))


def _of_query(one: Observation, reading: TraceView) -> Told:
    right = permitted(one, reading)
    if is_own(one, reading) is False:
        yield from _told("query.own-tasks", one, right, {403}, "403 for the task of another account")
    elif is_foreign(one.task_id):
        yield from _of_foreign(one, right)
    elif never_given(one, reading):
        told = {404} if well_formed(one.task_id) else {400, 404}
        yield from _told("query.unknown-id", one, right, told, "404 for an id that was never given")


def _of_foreign(one: Observation, right: frozenset[int]) -> Told:
    named = one.body.get("error", {}).get("param") if one.status == 400 else None  # noqa: PLR2004
    if one.status == 400 and named != "task_id":  # noqa: PLR2004
        yield (
            "query.id-prefix",
            violation(one.number, expected="`param` task_id", seen=f"`param` {named!r:.40}"),
        )
    else:
        yield from _told("query.id-prefix", one, right, {400}, "400 for an id with another prefix")


def _told(clause: str, one: Observation, right: frozenset[int], wanted: set[int], expected: str) -> Told:
    if one.status in wanted:
        yield clause, passed(one.number)
    elif one.status not in right:
        yield clause, violation(one.number, expected=expected, seen=str(one.status))
