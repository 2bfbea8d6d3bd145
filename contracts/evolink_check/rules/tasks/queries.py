"""Rules about the responses to the status queries of a task's owner: HTTP status, schema, and id."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.exchanges.allowed_statuses import permitted
from evolink_check.rules.exchanges.create_responses import is_at_once
from evolink_check.rules.exchanges.false_rejections import headers_to_blame
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.body_fields import IDENTITY
from evolink_check.rules.tasks.history import task_histories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.openapi import Problem
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory

# Wrong statuses for an own task. 401, 402 and 429 are about the key; if the key was not recorded, 403 may be right.
_NEVER = {400, 403, 404}
_NOT_FOUND, _SERVER_ERROR = 404, 500
_LASTING = 3  # this many 5xx, with no other response after them, are not a temporary error
_ABSENT = object()


@rule("query.answers-200")
def answers_200(view: TraceView) -> Iterator[Finding]:
    """A query of an existing task gets a 200.

    The query of a failed task gets a 200 too. A 404 before the first 200 violates `create.readable-at-once`
    instead.
    """
    for history in task_histories(view):
        if history.create is None:
            continue
        for observation in history.queries:
            yield passed(observation.number)
        first_200 = min((observation.ended for observation in history.queries), default=float("inf"))
        at_once = any(
            _is_unknown(observation) and is_at_once(history.create, observation)
            for observation in history.refused
        )
        for observation in history.refused:
            early = (
                _is_unknown(observation)
                and observation.began <= first_200
                and (at_once or bool(history.queries))
            )
            wrong = observation.status in _NEVER and observation.status not in permitted(observation, view)
            if wrong and not early and observation.number not in headers_to_blame(view):
                yield violation(
                    observation.number, expected="200 for an own task", seen=str(observation.status)
                )
        yield from _lasting_500(view, history)


def _is_unknown(observation: Observation) -> bool:
    return observation.status == _NOT_FOUND


def _lasting_500(view: TraceView, history: TaskHistory) -> Iterator[Finding]:
    last = max((observation.began for observation in history.queries), default=0.0)
    tail = [observation for observation in history.refused if observation.began > last]
    if len(tail) < _LASTING or any(observation.status < _SERVER_ERROR for observation in tail):
        return
    # The server was working, because a later request succeeded.
    if view.once(_last_success) > tail[0].ended:
        numbers = (observation.number for observation in tail)
        yield violation(
            *numbers, expected="200 for an own task", seen=f"{tail[-1].status}, {len(tail)} times"
        )


def _last_success(view: TraceView) -> float:
    return max(
        (observation.began for observation in view.of("create", "query") if observation.succeeded),
        default=0.0,
    )


@rule("query.schema")
def schema(view: TraceView) -> Iterator[Finding]:
    """The response to a status query matches its schema.

    Fields that other clauses check are not checked here. A problem of the create response is not reported
    again.
    """
    for history in task_histories(view):
        for observation in _bodies(history):
            problems = [
                problem
                for problem in view.problems(observation)
                if not _has_other_clause(problem, observation, history.create)
            ]
            if problems:
                where = problems[0].pointer.lstrip("/").replace("/", ".")
                yield violation(
                    observation.number,
                    expected="a body that matches its schema",
                    seen=f"{where or 'the body'}: {shown(problems[0].message)}",
                )
            else:
                yield passed(observation.number)


def _bodies(history: TaskHistory) -> Iterator[Observation]:
    yield from (observation for observation in history.refused if observation.status == observation.success)
    # `query.complete` reports a missing `id` or `status`.
    yield from (observation for observation in history.judged if not _missing(observation))


def _has_other_clause(problem: Problem, observation: Observation, create: Observation | None) -> bool:
    name = problem.pointer.split("/")[1] if problem.pointer else ""
    value = observation.body.get(name)
    if name in {"status", "error", "usage"} or (name == "progress" and value is not None):
        return True
    if name == "id" and isinstance(value, str):  # `query.same-id` checks it
        return True
    if name == "results" and (value is None or isinstance(value, list)):
        return True
    if name == "task_info" and problem.pointer == "/task_info/estimated_time":
        return True
    if create is None:
        return False
    before = create.body.get(name, _ABSENT)
    return _at(observation.body, problem.pointer) == _at(create.body, problem.pointer) or (
        name in IDENTITY and type(value) is type(before)
    )


def _at(body: Mapping[str, Any], pointer: str) -> Any:
    here: Any = body
    for step in pointer.split("/")[1:]:
        here = here.get(step, _ABSENT) if isinstance(here, dict) else _ABSENT
    return here


@rule("query.complete")
def complete(view: TraceView) -> Iterator[Finding]:
    """The response to a status query has `id` and `status`.

    Other clauses check the remaining fields.
    """
    for history in task_histories(view):
        for observation in history.judged:
            missing = _missing(observation)
            yield finding(
                not missing,
                observation.number,
                expected="id and status",
                seen=f"no {' and no '.join(missing)}",
            )


def _missing(observation: Observation) -> list[str]:
    return [name for name in ("id", "status") if observation.body.get(name) is None]


@rule("query.same-id")
def same_id(view: TraceView) -> Iterator[Finding]:
    """The `id` in the response is the task id in the request."""
    for history in task_histories(view):
        for observation in history.judged:
            task_id = observation.body.get("id")
            if not isinstance(task_id, str):
                continue
            yield finding(
                task_id == unquote(history.id),
                observation.number,
                expected=f"the id {history.id}",
                seen=f"the id {shown(task_id)}",
            )


@rule("query.extra-fields")
def extra_fields(view: TraceView) -> Iterator[Finding]:
    """`usage` and `task_info.estimated_time` have their documented form.

    A wrong value in the create response is not reported again.
    """
    for history in task_histories(view):
        create = history.create.body if history.create else {}
        for observation in history.judged:
            for place, right in (("/usage", _is_usage), ("/task_info/estimated_time", _is_time)):
                value = _at(observation.body, place)
                if value is _ABSENT or value is None:
                    continue
                yield finding(
                    right(value) or value == _at(create, place),
                    observation.number,
                    expected=f"{place[1:].replace('/', '.')} as documented for a create",
                    seen=shown(value),
                )


def _is_usage(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    texts = (value.get("billing_rule"), value.get("user_group"))
    amount = value.get("credits_reserved")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return False
    return amount >= 0 and all(isinstance(text, str) for text in texts)


def _is_time(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value >= 0 and (isinstance(value, int) or value.is_integer())
