"""Rules over the answer to a create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.exchanges.attribution import ID, LATEST, is_judgeable, known_tasks, well_formed
from evolink_check.rules.exchanges.wire import creates_with_same_id, share_idempotency_key
from evolink_check.rules.registry import rule
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.retry_after import http_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_EXPECTED = ("id", "status", "created", "model", "progress")
_TOLERANCES = Tolerances()
# What a clause of its own judges, by the pointer into the answer: its value, or whatever is there.
_VALUES = {"/id", "/created", "/model", "/status", "/progress", "/object", "/type"}
_WHOLE = ("/usage", "/task_info/estimated_time")


def accepted(view: TraceView) -> Iterator[Observation]:
    """The creates that were answered with a task."""
    return (
        create
        for create in view.of("create")
        if create.status == create.success and isinstance(create.answer_json, dict) and is_judgeable(create)
    )


@rule("create.schema")
def schema(view: TraceView) -> Iterator[Finding]:
    """The answer matches its schema, except for what other clauses check."""
    for create in view.of("create"):
        if create.status == create.success and is_judgeable(create):
            found = [
                problem
                for problem in view.problems(create)
                if not _has_own_clause(problem.pointer, problem.keyword)
            ]
            found = [problem for problem in found if not _is_missing(create, problem.pointer)]
            for problem in found:
                seen = f"{problem.pointer or 'the body'}: {problem.message}"
                yield violation(create.number, expected="an answer that matches its schema", seen=seen[:160])
            if not found:
                yield passed(create.number)


def _has_own_clause(pointer: str, keyword: str) -> bool:
    whole = any(pointer == place or pointer.startswith(f"{place}/") for place in _WHOLE)
    return whole or (pointer in _VALUES and keyword != "type")


def _is_missing(observation: Observation, pointer: str) -> bool:
    """A null where a field is expected: `create.complete` reports it."""
    return pointer.removeprefix("/") in _EXPECTED and observation.body.get(pointer[1:]) is None


@rule("create.complete")
def complete(view: TraceView) -> Iterator[Finding]:
    """The answer carries what a client cannot go on without; the absence of the others is accepted."""
    for create in accepted(view):
        documented = create.operation.answer if create.operation else {}
        missing = [name for name in _EXPECTED if name in documented and create.body.get(name) is None]
        yield finding(
            not missing, create.number, expected=", ".join(_EXPECTED), seen=f"no {', '.join(missing)}"
        )


@rule("create.pending-first")
def pending_first(view: TraceView) -> Iterator[Finding]:
    """A new task is `pending` with `progress` 0."""
    for create in accepted(view):
        status, progress = create.body.get("status"), create.body.get("progress")
        initial = create.operation.statuses.initial if create.operation else ""
        if isinstance(status, str) and status != initial:
            yield violation(create.number, expected=f"status {initial}", seen=f"status {status:.40}")
        elif _is_number(progress) and progress != 0:
            yield violation(create.number, expected="progress 0", seen=f"progress {progress}")
        elif isinstance(status, str) or _is_number(progress):
            yield passed(create.number)


def is_at_once(create: Observation, query: Observation) -> bool:
    """Whether a query comes right after the answer to the create.

    Of a 404 to a later one `query.answers-200` speaks, unless the task turns up after it.
    """
    return 0 <= query.began - create.ended <= _TOLERANCES.query_at_once


@rule("create.readable-at-once")
def readable_at_once(view: TraceView) -> Iterator[Finding]:
    """A query right after the create is no 404."""
    known, first = known_tasks(view), set()
    for query in view.of("query"):
        create = known.get(query.task_id)
        if create is None or query.task_id in first or not is_judgeable(query) or query.who != create.who:
            continue
        if query.began >= create.ended and query.status in {query.success, 404}:
            first.add(query.task_id)
            at_once = is_at_once(create, query)
            if query.status == query.success and at_once:
                yield passed(create.number, query.number)
            elif query.status != query.success and (at_once or view.tasks[query.task_id].queries):
                expected = "200: the task was just created"
                yield violation(create.number, query.number, expected=expected, seen="404")


@rule("model.actual")
def actual_model(view: TraceView) -> Iterator[Finding]:
    """`model` names the model that does the work, never an old name (clause `model.actual`)."""
    for create in accepted(view):
        models, named = (create.operation.models if create.operation else ()), create.body.get("model")
        asked_for_none = any(fault.clause == "model.enum" for fault in create.faults)
        if models and isinstance(named, str) and not asked_for_none:
            yield finding(
                named in models,
                create.number,
                expected=f"model {' or '.join(models)}",
                seen=f"model {named:.80}",
            )


@rule("id.format")
def id_format(view: TraceView) -> Iterator[Finding]:
    """An id is the prefix, ten digits, and eight letters or digits."""
    for create in accepted(view):
        told = create.body.get("id")
        if isinstance(told, str) and well_formed(told):
            yield passed(create.number)
        elif isinstance(told, str):
            expected = "task-unified-, ten digits, -, eight lower-case letters or digits"
            yield violation(create.number, expected=expected, seen=f"{told!r:.80}")


@rule("id.created")
def id_created(view: TraceView) -> Iterator[Finding]:
    """The ten digits of an id are its `created`, where that is a time at all."""
    wrong = {finding.entries[-1] for finding in created(view) if not finding.passed}
    for create in accepted(view):
        found, told = ID.fullmatch(create.task_id), create.body.get("created")
        if found and type(told) is int and create.number not in wrong:
            yield finding(
                int(found["created"]) == told,
                create.number,
                expected=f"an id with {told}, its `created`",
                seen=create.task_id,
            )


@rule("id.unique")
def id_unique(view: TraceView) -> Iterator[Finding]:
    """No two creates are answered with the same id."""
    again = {later.number: first for first, later in view.once(creates_with_same_id)}
    for create in accepted(view):
        if create.number not in again:
            if create.task_id:
                yield passed(create.number)
        elif not share_idempotency_key(again[create.number], create):
            expected = "an id that no other create was given"
            yield violation(
                again[create.number].number,
                create.number,
                expected=expected,
                seen=f"{create.task_id:.80} again",
            )


@rule("task.created")
def created(view: TraceView) -> Iterator[Finding]:
    """`created` is the time of the create in Unix seconds (clause `task.created`).

    The clock of an account that told the right time may have been moved ahead since, while other creates were under
    way, too.
    """
    for create in accepted(view):
        value = create.body.get("created")
        if type(value) is not int:
            continue
        distance, allowed = _distance(value, create)
        if value >= LATEST:
            seen = f"created {shown(value)}, which are milliseconds"
            yield violation(create.number, expected="Unix seconds", seen=seen)
        elif abs(distance) <= allowed:
            yield passed(create.number)
        elif view.trace.scale == 1 and not (distance > 0 and _may_be_moved(create, view)):
            seen = f"created {shown(value)}, {distance:+.0f} s from it"
            yield violation(create.number, expected="the time of the create, to a minute", seen=seen)


def _may_be_moved(create: Observation, view: TraceView) -> bool:
    """Whether the account's clock was right before the create had ended."""
    return view.once(_first_in_time).get(create.who, float("inf")) <= create.ended


def _first_in_time(view: TraceView) -> Mapping[str, float]:
    """By account, the beginning of the first create whose `created` is right."""
    first: dict[str, float] = {}
    for create in accepted(view):
        value = create.body.get("created")
        if type(value) is int and value < LATEST:
            distance, allowed = _distance(value, create)
            if abs(distance) <= allowed:
                first[create.who] = min(create.began, first.get(create.who, create.began))
    return first


def _distance(value: int, create: Observation) -> tuple[float, float]:
    """Seconds before (below 0) or after the time of the create, and how many are allowed.

    The server's own Date tells when it answered; without one the observer does, whose clock may be out of step, and
    in a recording without a time zone by hours. The task was made at some time between request and answer.
    """
    date = http_date(create.header("Date") or "")
    ended = create.ended if date is None else date
    began = ended - max(0.0, create.ended - create.began)
    allowed = _TOLERANCES.created_by_observer if date is None else _TOLERANCES.created_by_date
    return value - min(max(value, began), ended), allowed


@rule("task.kind")
def kind(view: TraceView) -> Iterator[Finding]:
    """`object` and `type` name the same medium, that of the model (clause `task.kind`)."""
    for create in accepted(view):
        medium = create.operation.medium if create.operation else ""
        wanted = {"object": f"{medium}.generation.task", "type": medium}
        told = {name: create.body[name] for name in wanted if isinstance(create.body.get(name), str)}
        wrong = [f"{name} {value:.60}" for name, value in told.items() if value != wanted[name]]
        if wrong:
            expected = ", ".join(f"{name} {wanted[name]}" for name in told)
            yield violation(create.number, expected=expected, seen=", ".join(wrong))
        elif told:
            yield passed(create.number)


@rule("task.estimated-time")
def estimated_time(view: TraceView) -> Iterator[Finding]:
    """`task_info.estimated_time` is an integer of 0 or more."""
    for create in accepted(view):
        info = create.body.get("task_info")
        if isinstance(info, dict) and "estimated_time" in info:
            told = info["estimated_time"]
            yield finding(
                _is_whole(told) and told >= 0,
                create.number,
                expected="an integer of 0 or more",
                seen=shown(told),
            )


@rule("usage.shape")
def usage(view: TraceView) -> Iterator[Finding]:
    """`usage`, where it is given, has its three fields as documented (clause `usage.shape`)."""
    for create in accepted(view):
        documented = create.operation.answer.get("usage") if create.operation else None
        if "usage" not in create.body or not isinstance(documented, dict):
            continue
        told = create.body["usage"]
        missing = [name for name in documented if isinstance(told, dict) and told.get(name) is None]
        wrong = [problem for problem in view.problems(create) if problem.pointer.startswith("/usage")]
        if missing:
            yield violation(create.number, expected=", ".join(documented), seen=f"no {', '.join(missing)}")
        elif wrong:
            seen = f"{wrong[0].pointer}: {wrong[0].message}"
            yield violation(create.number, expected="usage as documented", seen=seen[:160])
        else:
            yield passed(create.number)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
