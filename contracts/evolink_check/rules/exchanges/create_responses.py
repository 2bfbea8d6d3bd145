"""Rules about the response to a create request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.exchanges.attribution import ID, LATEST, is_judgeable, known_tasks, well_formed
from evolink_check.rules.exchanges.wire import creates_with_same_id, share_idempotency_key
from evolink_check.rules.registry import rule
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.retry_after import http_date
from evolink_check.traffic.trace import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_EXPECTED = ("id", "status", "created", "model", "progress")
_TOLERANCES = Tolerances()
# Other clauses check the value at each JSON pointer in `_VALUES`, and everything below each pointer in `_WHOLE`.
_VALUES = {"/id", "/created", "/model", "/status", "/progress", "/object", "/type"}
_WHOLE = ("/usage", "/task_info/estimated_time")


def accepted(view: TraceView) -> Iterator[Observation]:
    """Yield the create requests that the server accepted.

    Responses that rules cannot judge (see `is_judgeable`) are left out.
    """
    return (
        create
        for create in view.of("create")
        if create.status == create.success and isinstance(create.answer_json, dict) and is_judgeable(create)
    )


@rule("create.schema")
def schema(view: TraceView) -> Iterator[Finding]:
    """The response to a create request matches its schema.

    Parts of the response that other clauses check are left out.
    """
    for create in view.of("create"):
        if create.status == create.success and is_judgeable(create):
            problems = [
                problem
                for problem in view.problems(create)
                if not _has_own_clause(problem.pointer, problem.keyword)
                and not _is_missing(create, problem.pointer)
            ]
            for problem in problems:
                seen = f"{problem.pointer or 'the body'}: {problem.message}"
                yield violation(create.number, expected="an answer that matches its schema", seen=seen[:160])
            if not problems:
                yield passed(create.number)


def _has_own_clause(pointer: str, keyword: str) -> bool:
    whole = any(pointer == place or pointer.startswith(f"{place}/") for place in _WHOLE)
    return whole or (pointer in _VALUES and keyword != "type")


def _is_missing(observation: Observation, pointer: str) -> bool:
    # `create.complete` reports a missing field that every client needs.
    return pointer.removeprefix("/") in _EXPECTED and observation.body.get(pointer[1:]) is None


@rule("create.complete")
def complete(view: TraceView) -> Iterator[Finding]:
    """The response to a create request has the fields that every client needs.

    Other documented fields may be absent.
    """
    for create in accepted(view):
        documented = create.operation.answer if create.operation else {}
        missing = [name for name in _EXPECTED if name in documented and create.body.get(name) is None]
        yield finding(
            not missing, create.number, expected=", ".join(_EXPECTED), seen=f"no {', '.join(missing)}"
        )


@rule("create.pending-first")
def pending_first(view: TraceView) -> Iterator[Finding]:
    """A new task has the status `pending` and `progress` 0."""
    for create in accepted(view):
        status, progress = create.body.get("status"), create.body.get("progress")
        initial = create.operation.statuses.initial if create.operation else ""
        if isinstance(status, str) and initial and status != initial:
            yield violation(create.number, expected=f"status {initial}", seen=f"status {status:.40}")
        elif _is_number(progress) and progress != 0:
            yield violation(create.number, expected="progress 0", seen=f"progress {progress}")
        elif isinstance(status, str) or _is_number(progress):
            yield passed(create.number)


def is_at_once(create: Observation, query: Observation) -> bool:
    """Return whether a query was sent within two seconds after the create response."""
    return 0 <= query.began - create.ended <= _TOLERANCES.query_at_once


@rule("create.readable-at-once")
def readable_at_once(view: TraceView) -> Iterator[Finding]:
    """A query sent immediately after the create response does not get a 404.

    Immediately means within two seconds. A later 404 also violates this clause if another query of the same
    task succeeds. If no query of the task succeeds, the later 404 violates `query.answers-200`.
    """
    creates, first = known_tasks(view), set()
    for query in view.of("query"):
        create = creates.get(query.task_id)
        if create is None or query.task_id in first or not is_judgeable(query) or query.who != create.who:
            continue
        if query.began >= create.ended and query.status in {query.success, 404}:
            first.add(query.task_id)
            at_once = is_at_once(create, query)
            if query.status == query.success and at_once:
                yield passed(create.number, query.number)
            elif query.who == UNKNOWN:  # it may be the key of another account
                continue
            elif query.status != query.success and (at_once or view.tasks[query.task_id].queries):
                expected = "200: the task was just created"
                yield violation(create.number, query.number, expected=expected, seen="404")


@rule("model.actual")
def actual_model(view: TraceView) -> Iterator[Finding]:
    """`model` in the response is the current name of the model."""
    for create in accepted(view):
        models, model = (create.operation.models if create.operation else ()), create.body.get("model")
        unknown_requested = any(fault.clause == "model.enum" for fault in create.faults)
        if models and isinstance(model, str) and not unknown_requested:
            yield finding(
                model in models,
                create.number,
                expected=f"model {' or '.join(models)}",
                seen=f"model {model:.80}",
            )


@rule("id.format")
def id_format(view: TraceView) -> Iterator[Finding]:
    """A task id is `task-unified-`, ten digits, `-`, and eight lower-case letters or digits."""
    for create in accepted(view):
        task_id = create.body.get("id")
        if isinstance(task_id, str) and well_formed(task_id):
            yield passed(create.number)
        elif isinstance(task_id, str):
            expected = "task-unified-, ten digits, -, eight lower-case letters or digits"
            yield violation(create.number, expected=expected, seen=f"{task_id!r:.80}")


@rule("id.created")
def id_created(view: TraceView) -> Iterator[Finding]:
    """The ten digits of a task id are the value of `created`.

    The rule does not judge an implausible `created`.
    """
    wrong = {finding.entries[-1] for finding in created(view) if not finding.passed}
    for create in accepted(view):
        match, time = ID.fullmatch(create.task_id), create.body.get("created")
        if match and type(time) is int and create.number not in wrong:
            yield finding(
                int(match["created"]) == time,
                create.number,
                expected=f"an id with {time}, its `created`",
                seen=create.task_id,
            )


@rule("id.unique")
def id_unique(view: TraceView) -> Iterator[Finding]:
    """No two create requests get the same task id."""
    again = {later.number: first for first, later in view.once(creates_with_same_id)}
    for create in accepted(view):
        if create.number not in again:
            if create.task_id:
                yield passed(create.number)
        elif not share_idempotency_key(again[create.number], create):
            expected = "an id that no other create has"
            yield violation(
                again[create.number].number,
                create.number,
                expected=expected,
                seen=f"{create.task_id:.80} again",
            )


@rule("task.created")
def created(view: TraceView) -> Iterator[Finding]:
    """`created` is the time of the create request in Unix seconds."""
    for create in accepted(view):
        value = create.body.get("created")
        if type(value) is not int:
            continue
        distance, allowed = _distance_from_request(value, create)
        if value >= LATEST:
            seen = f"created {shown(value)}, which is in milliseconds"
            yield violation(create.number, expected="Unix seconds", seen=seen)
        elif abs(distance) <= allowed:
            yield passed(create.number)
        elif view.trace.scale == 1 and not (distance > 0 and _clock_may_be_advanced(create, view)):
            seen = f"created {shown(value)}, {distance:+.0f} s from it"
            yield violation(create.number, expected="the time of the create, within a minute", seen=seen)


def _clock_may_be_advanced(create: Observation, view: TraceView) -> bool:
    # The server's clock was right at first, and may have been advanced since then.
    return view.once(_first_in_time).get(create.who, float("inf")) <= create.ended


def _first_in_time(view: TraceView) -> Mapping[str, float]:
    # The start of the first create request with a correct `created`, in Unix seconds, by account.
    first: dict[str, float] = {}
    for create in accepted(view):
        value = create.body.get("created")
        if type(value) is int and value < LATEST:
            distance, allowed = _distance_from_request(value, create)
            if abs(distance) <= allowed:
                first[create.who] = min(create.began, first.get(create.who, create.began))
    return first


def _distance_from_request(value: int, create: Observation) -> tuple[float, float]:
    # The result is the actual and the allowed distance from the create request to `created`, in seconds.
    date = http_date(create.header("Date") or "")
    ended = create.ended if date is None else date
    began = ended - max(0.0, create.ended - create.began)
    allowed = _TOLERANCES.created_by_observer if date is None else _TOLERANCES.created_by_date
    # Without a `Date` header, the recorder's clock is used, which may be wrong. The distance is negative if
    # `created` is earlier than the request.
    return value - min(max(value, began), ended), allowed


@rule("task.kind")
def kind(view: TraceView) -> Iterator[Finding]:
    """`object` and `type` in the response both name the medium of the model."""
    for create in accepted(view):
        medium = create.operation.medium if create.operation else create.body.get("type")
        wanted = {"object": f"{medium}.generation.task", "type": medium}
        actual = {name: create.body[name] for name in wanted if isinstance(create.body.get(name), str)}
        wrong = [f"{name} {value:.60}" for name, value in actual.items() if value != wanted[name]]
        if wrong:
            expected = ", ".join(f"{name} {wanted[name]}" for name in actual)
            yield violation(create.number, expected=expected, seen=", ".join(wrong))
        elif actual:
            yield passed(create.number)


@rule("task.estimated-time")
def estimated_time(view: TraceView) -> Iterator[Finding]:
    """`task_info.estimated_time` is an integer of 0 or more."""
    for create in accepted(view):
        info = create.body.get("task_info")
        if isinstance(info, dict) and "estimated_time" in info:
            time = info["estimated_time"]
            yield finding(
                _is_whole(time) and time >= 0,
                create.number,
                expected="an integer of 0 or more",
                seen=shown(time),
            )


@rule("usage.shape")
def usage(view: TraceView) -> Iterator[Finding]:
    """`usage` in the response has its three documented members.

    The field `usage` may be absent.
    """
    for create in accepted(view):
        documented = create.operation.answer.get("usage") if create.operation else None
        if "usage" not in create.body or not isinstance(documented, dict):
            continue
        value = create.body["usage"]
        missing = [name for name in documented if isinstance(value, dict) and value.get(name) is None]
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
