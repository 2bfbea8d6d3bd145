"""Rules over what the answer of a create says of its task. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.exchanges.attribution import ID, LATEST, is_judgeable, known_tasks, well_formed
from evolink_check.rules.exchanges.wire import shared_key, twins
from evolink_check.rules.registry import rule
from evolink_check.traffic.retry_after import http_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding

_EXPECTED = ("id", "status", "created", "model", "progress")
_AT_ONCE = 2.0  # seconds between a create and a query that comes right after it
_MINUTE, _DAY = 60.0, 86_400.0  # seconds
# What a clause of its own judges, by the pointer into the answer: its value, or whatever is there.
_VALUES = {"/id", "/created", "/model", "/status", "/progress", "/object", "/type"}
_WHOLE = ("/usage", "/task_info/estimated_time")


def accepted(reading: TraceView) -> Iterator[Observation]:
    """The creates that were answered with a task."""
    return (
        one
        for one in reading.of("create")
        if one.status == one.success and isinstance(one.answer, dict) and is_judgeable(one)
    )


@rule("create.schema")
def schema(reading: TraceView) -> Iterator[Finding]:
    """The answer matches its schema, where no other clause looks closer."""
    for one in reading.of("create"):
        if one.status == one.success and is_judgeable(one):
            found = [
                problem
                for problem in reading.problems(one)
                if not _is_owned(problem.pointer, problem.keyword)
            ]
            found = [problem for problem in found if not _is_missing(one, problem.pointer)]
            for problem in found:
                seen = f"{problem.pointer or 'the body'}: {problem.message}"
                yield violation(one.number, expected="an answer as its schema has it", seen=seen[:160])
            if not found:
                yield passed(one.number)


def _is_owned(pointer: str, keyword: str) -> bool:
    whole = any(pointer == place or pointer.startswith(f"{place}/") for place in _WHOLE)
    return whole or (pointer in _VALUES and keyword != "type")


def _is_missing(one: Observation, pointer: str) -> bool:
    """A null where a field is expected, which `create.complete` tells."""
    return pointer.removeprefix("/") in _EXPECTED and one.body.get(pointer[1:]) is None


@rule("create.complete")
def complete(reading: TraceView) -> Iterator[Finding]:
    """The answer carries what a client cannot go on without; the absence of the others is accepted."""
    for one in accepted(reading):
        documented = one.operation.answer if one.operation else {}
        missing = [name for name in _EXPECTED if name in documented and one.body.get(name) is None]
        yield finding(not missing, one.number, expected=", ".join(_EXPECTED), seen=f"no {', '.join(missing)}")


@rule("create.pending-first")
def pending_first(reading: TraceView) -> Iterator[Finding]:
    """A new task is `pending` with `progress` 0."""
    for one in accepted(reading):
        status, progress = one.body.get("status"), one.body.get("progress")
        initial = one.operation.statuses.initial if one.operation else ""
        if isinstance(status, str) and status != initial:
            yield violation(one.number, expected=f"status {initial}", seen=f"status {status:.40}")
        elif _is_number(progress) and progress != 0:
            yield violation(one.number, expected="progress 0", seen=f"progress {progress}")
        elif isinstance(status, str) or _is_number(progress):
            yield passed(one.number)


def is_at_once(create: Observation, query: Observation) -> bool:
    """Whether a query comes right after the answer to the create.

    Of a 404 to a later one `query.answers-200` speaks, unless the task turns up after it.
    """
    return 0 <= query.entry.began - create.entry.ended <= _AT_ONCE


@rule("create.readable-at-once")
def readable_at_once(reading: TraceView) -> Iterator[Finding]:
    """A query right after the create is no 404."""
    known, first = known_tasks(reading), set()
    for one in reading.of("query"):
        create = known.get(one.task_id)
        if (
            create is None
            or one.task_id in first
            or not is_judgeable(one)
            or one.entry.who != create.entry.who
        ):
            continue
        if one.entry.began >= create.entry.ended and one.status in {one.success, 404}:
            first.add(one.task_id)
            at_once = is_at_once(create, one)
            if one.status == one.success and at_once:
                yield passed(create.number, one.number)
            elif one.status != one.success and (at_once or reading.stories[one.task_id].queries):
                expected = "200: the task was just created"
                yield violation(create.number, one.number, expected=expected, seen="404")


@rule("model.actual")
def actual_model(reading: TraceView) -> Iterator[Finding]:
    """`model` names the model that does the work, never an old name (clause `model.actual`)."""
    for one in accepted(reading):
        models, named = (one.operation.models if one.operation else ()), one.body.get("model")
        asked_for_none = any(fault.clause == "model.enum" for fault in one.faults)
        if models and isinstance(named, str) and not asked_for_none:
            yield finding(
                named in models,
                one.number,
                expected=f"model {' or '.join(models)}",
                seen=f"model {named:.80}",
            )


@rule("id.format")
def id_format(reading: TraceView) -> Iterator[Finding]:
    """An id is the prefix, ten digits, and eight letters or digits."""
    for one in accepted(reading):
        told = one.body.get("id")
        if isinstance(told, str) and well_formed(told):
            yield passed(one.number)
        elif isinstance(told, str):
            expected = "task-unified-, ten digits, -, eight lower-case letters or digits"
            yield violation(one.number, expected=expected, seen=f"{told!r:.80}")


@rule("id.created")
def id_created(reading: TraceView) -> Iterator[Finding]:
    """The ten digits of an id are its `created`, where that is a time at all."""
    wrong = {finding.entries[-1] for finding in created(reading) if not finding.passed}
    for one in accepted(reading):
        found, told = ID.fullmatch(one.task_id), one.body.get("created")
        if found and type(told) is int and one.number not in wrong:
            yield finding(
                int(found["created"]) == told,
                one.number,
                expected=f"an id with {told}, its `created`",
                seen=one.task_id,
            )


@rule("id.unique")
def id_unique(reading: TraceView) -> Iterator[Finding]:
    """No two creates are answered with the same id."""
    again = {later.number: first for first, later in reading.once(twins)}
    for one in accepted(reading):
        if one.number not in again:
            if one.task_id:
                yield passed(one.number)
        elif not shared_key(again[one.number], one):
            expected = "an id that no other create was given"
            yield violation(
                again[one.number].number, one.number, expected=expected, seen=f"{one.task_id:.80} again"
            )


@rule("task.created")
def created(reading: TraceView) -> Iterator[Finding]:
    """`created` is the time of the create in Unix seconds (clause `task.created`).

    A server's clock may have been moved ahead for an account whose earlier tasks had the right time.
    """
    right: set[str] = set()
    for one in accepted(reading):
        told = one.body.get("created")
        if type(told) is not int:
            continue
        distance, allowed = _distance(told, one)
        ahead = distance > 0 and one.entry.who in right
        if told >= LATEST:
            yield violation(
                one.number, expected="Unix seconds", seen=f"created {told}, which are milliseconds"
            )
        elif abs(distance) <= allowed:
            right.add(one.entry.who)
            yield passed(one.number)
        elif reading.trace.scale == 1 and not ahead:
            expected = "the time of the create, to a minute"
            yield violation(one.number, expected=expected, seen=f"created {told}, {distance:+.0f} s from it")


def _distance(told: int, one: Observation) -> tuple[float, float]:
    """Seconds from when the create was answered, and how many may be: by the server's own Date to a minute.

    Without one by who watched, whose clock may be out of step, and in a recording without a time zone by hours.
    """
    date = http_date(one.header("Date") or "")
    return (told - one.entry.ended, _DAY) if date is None else (told - date, _MINUTE)


@rule("task.kind")
def kind(reading: TraceView) -> Iterator[Finding]:
    """`object` and `type` name the same medium, that of the model (clause `task.kind`)."""
    for one in accepted(reading):
        medium = one.operation.medium if one.operation else ""
        wanted = {"object": f"{medium}.generation.task", "type": medium}
        told = {name: one.body[name] for name in wanted if isinstance(one.body.get(name), str)}
        wrong = [f"{name} {value:.60}" for name, value in told.items() if value != wanted[name]]
        if wrong:
            expected = ", ".join(f"{name} {wanted[name]}" for name in told)
            yield violation(one.number, expected=expected, seen=", ".join(wrong))
        elif told:
            yield passed(one.number)


@rule("task.estimated-time")
def estimated_time(reading: TraceView) -> Iterator[Finding]:
    """`task_info.estimated_time` is an integer of 0 or more."""
    for one in accepted(reading):
        info = one.body.get("task_info")
        if isinstance(info, dict) and "estimated_time" in info:
            told = info["estimated_time"]
            yield finding(
                _is_number(told) and told >= 0 and told == int(told),
                one.number,
                expected="an integer of 0 or more",
                seen=f"{told!r:.60}",
            )


@rule("usage.shape")
def usage(reading: TraceView) -> Iterator[Finding]:
    """`usage`, where it is given, has its three fields as documented (clause `usage.shape`)."""
    for one in accepted(reading):
        documented = one.operation.answer.get("usage") if one.operation else None
        if "usage" not in one.body or not isinstance(documented, dict):
            continue
        told = one.body["usage"]
        missing = [name for name in documented if isinstance(told, dict) and told.get(name) is None]
        wrong = [problem for problem in reading.problems(one) if problem.pointer.startswith("/usage")]
        if missing:
            yield violation(one.number, expected=", ".join(documented), seen=f"no {', '.join(missing)}")
        elif wrong:
            seen = f"{wrong[0].pointer}: {wrong[0].message}"
            yield violation(one.number, expected="usage as documented", seen=seen[:160])
        else:
            yield passed(one.number)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
