"""Find the clauses that the statuses of create requests and queries violate.

The function `status_findings_of` judges most clauses about statuses. A few clauses have a function of their own. For
example, `auth_bearer` judges the clause `auth.bearer`. `auth_bearer` adds findings to those in `status_findings`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import Finding, finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import is_foreign, is_own, permitted, was_never_issued
from evolink_check.rules.exchanges.attribution import certain_faults, has_judgeable_status, well_formed
from evolink_check.rules.exchanges.false_rejections import ENOUGH, findings_of_valid_creates, headers_to_blame
from evolink_check.rules.registry import rule_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

    ClauseFindings = Iterator[tuple[str, Finding]]

_BY_STATUS = (
    *("body.json", "body.required", "create.unknown-fields", "create.required", "create.types"),
    *("model.enum", "model.alias", "model.access", "prompt.length"),
    *("create.image-urls-max-one", "create.image-urls-uri", "create.image-urls-empty"),
    *("duration.enum", "mode.enum", "quality.enum"),
    *("callback.https-only", "callback.max-length", "callback.uri", "callback.no-internal"),
    *("callback.unresolved", "create.accepts"),
    *("query.id-prefix", "query.unknown-id", "query.own-tasks"),
)
_EITHER = {"create.image-urls-empty", "prompt.length"}  # clauses that allow both a success and a 400


@rule_family(_BY_STATUS)
def status_findings_of(clause: str, view: TraceView) -> Iterable[Finding]:
    """Each create request and status query gets a status that the clause allows."""
    return status_findings(view).get(clause, ())


def status_findings(view: TraceView) -> Mapping[str, list[Finding]]:
    """Judge the statuses of all create requests and status queries.

    Returns the findings by clause id.
    """
    return view.once(_status_findings)


def _status_findings(view: TraceView) -> Mapping[str, list[Finding]]:
    by_clause: defaultdict[str, list[Finding]] = defaultdict(list)
    blamed = headers_to_blame(view)
    judgeable = [
        observation
        for observation in view.of("create", "query")
        if has_judgeable_status(observation) and observation.number not in blamed
    ]
    for clause, observed in _findings_of(judgeable, view):
        by_clause[clause].append(observed)
    by_clause.default_factory = None
    return by_clause


def _findings_of(judgeable: Iterable[Observation], view: TraceView) -> ClauseFindings:
    yield from findings_of_valid_creates(view)
    judgeable = list(judgeable)
    yield from _lasting_500(judgeable, view)
    for observation in judgeable:
        if observation.account.valid is False:
            continue
        if observation.status == 401 and observation.account.valid:  # noqa: PLR2004
            yield (
                "auth.bearer",
                violation(observation.number, expected="no 401: the key is known", seen="401"),
            )
        elif observation.role == "create":
            yield from _of_create(observation, view)
        else:
            yield from _of_query(observation, view)


def _lasting_500(judgeable: Iterable[Observation], view: TraceView) -> ClauseFindings:
    # One or two responses with 500 may be a temporary error.
    equal: defaultdict[tuple[str, str], list[Observation]] = defaultdict(list)
    for query in judgeable:
        if query.role == "query" and query.account.valid and well_formed(query.task_id):
            equal[query.who, query.task_id].append(query)
    for same in equal.values():
        lasting = len(same) >= ENOUGH and {query.status for query in same} == {500}
        if lasting and was_never_issued(same[0], view):
            numbers = [query.number for query in same]
            seen = f"{len(same)} times 500"
            yield "query.unknown-id", violation(*numbers, expected="404 for an unknown id", seen=seen)


def _of_create(observation: Observation, view: TraceView) -> ClauseFindings:
    clauses = list(dict.fromkeys(fault.clause for fault in observation.faults))
    refusing = certain_faults(observation)
    if observation.account.access is False and not observation.faults:
        yield from _create_without_model_access(observation)
    elif not refusing:
        yield from (
            (clause, passed(observation.number)) for clause in clauses if _is_either(clause, observation)
        )
    elif observation.status == observation.success:
        first = refusing[0]
        yield (
            first.clause,
            violation(observation.number, expected=f"400 for {first.what}", seen=str(observation.status)),
        )
    elif len(clauses) == 1:
        yield from _refused(observation, permitted(observation, view))


def _is_either(clause: str, observation: Observation) -> bool:
    # Other statuses show nothing about the clause. For example, a 429 shows that the account exceeded a rate
    # limit.
    return clause in _EITHER and observation.status in {observation.success, 400}


def _refused(observation: Observation, right: frozenset[int]) -> ClauseFindings:
    # All certain faults of this request violate the same clause.
    fault = certain_faults(observation)[0]
    if observation.status == 400 or (observation.status == 403 and fault.clause == "model.enum"):  # noqa: PLR2004
        yield fault.clause, passed(observation.number)
    elif observation.status not in right:
        yield (
            fault.clause,
            violation(observation.number, expected=f"400 for {fault.what}", seen=str(observation.status)),
        )


def _create_without_model_access(observation: Observation) -> ClauseFindings:
    if observation.status == 403 and observation.body:  # noqa: PLR2004
        model = observation.request_json.get("model", "")
        actual = observation.operation.aliases.get(model, model) if observation.operation else model
        message = observation.body["error"]["message"]
        yield (
            "model.access",
            finding(
                model in message or actual in message,
                observation.number,
                expected="a message that names the model",
                seen="a message without it",
            ),
        )
    elif observation.status in {observation.success, 400}:
        expected = "403: the account has no access to the model"
        yield "model.access", violation(observation.number, expected=expected, seen=str(observation.status))


def _of_query(observation: Observation, view: TraceView) -> ClauseFindings:
    right = permitted(observation, view)
    if is_own(observation, view) is False:
        yield from _status_finding(
            "query.own-tasks", observation, right, {403}, "403 for the task of another account"
        )
    elif is_foreign(observation.task_id):
        yield from _of_foreign(observation, right)
    elif was_never_issued(observation, view):
        wanted = {404} if well_formed(observation.task_id) else {400, 404}
        yield from _status_finding(
            "query.unknown-id", observation, right, wanted, "404 for an id that was never issued"
        )


def _of_foreign(observation: Observation, right: frozenset[int]) -> ClauseFindings:
    param = observation.body.get("error", {}).get("param") if observation.status == 400 else None  # noqa: PLR2004
    if observation.status == 400 and observation.body and param != "task_id":  # noqa: PLR2004
        yield (
            "query.id-prefix",
            violation(observation.number, expected="`param` task_id", seen=f"`param` {param!r:.40}"),
        )
    else:
        yield from _status_finding(
            "query.id-prefix", observation, right, {400}, "400 for an id with another prefix"
        )


def _status_finding(
    clause: str, observation: Observation, right: frozenset[int], wanted: set[int], expected: str
) -> ClauseFindings:
    if observation.status in wanted:
        yield clause, passed(observation.number)
    elif observation.status not in right:
        yield clause, violation(observation.number, expected=expected, seen=str(observation.status))
