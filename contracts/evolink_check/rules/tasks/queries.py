"""The answer to the query of an own task: its status, its shape, and that it is about that task."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import permitted
from evolink_check.rules.exchanges.create_responses import is_at_once
from evolink_check.rules.exchanges.false_rejections import headers_to_blame
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.history import IDENTITY, shown, task_histories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.openapi import Problem
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory

# What the query of an own task is not; 401, 402 and 429 are about the key. 403 may be right where no key was recorded.
_NEVER = {400, 403, 404}
_NOT_FOUND, _SERVER_ERROR = 404, 500
_PASSING = 3  # as many 500s, and nothing else any more, are no passing fault
_ABSENT = object()


@rule("query.answers-200")
def answers_200(reading: TraceView) -> Iterator[Finding]:
    """`query.answers-200`. Of a 404 before the first 200 `create.readable-at-once` speaks, where there is one."""
    for tale in task_histories(reading):
        if tale.create is None:
            continue
        for view in tale.queries:
            yield passed(view.number)
        known = min((view.entry.ended for view in tale.queries), default=float("inf"))
        at_once = any(_is_unknown(view) and is_at_once(tale.create, view) for view in tale.refused)
        for view in tale.refused:
            early = _is_unknown(view) and view.entry.began <= known and (at_once or bool(tale.queries))
            wrong = view.status in _NEVER and view.status not in permitted(view, reading)
            if wrong and not early and view.number not in headers_to_blame(reading):
                yield violation(view.number, expected="200 for an own task", seen=str(view.status))
        yield from _lasting_500(reading, tale)


def _is_unknown(view: Observation) -> bool:
    return view.status == _NOT_FOUND


def _lasting_500(reading: TraceView, tale: TaskHistory) -> Iterator[Finding]:
    """A task that can be queried no more, while the server answers others."""
    last = max((view.entry.began for view in tale.queries), default=0.0)
    tail = [view for view in tale.refused if view.entry.began > last]
    if len(tail) < _PASSING or any(view.status < _SERVER_ERROR for view in tail):
        return
    if reading.once(_last_success) > tail[0].entry.ended:
        numbers = (view.number for view in tail)
        yield violation(
            *numbers, expected="200 for an own task", seen=f"{tail[-1].status}, {len(tail)} times"
        )


def _last_success(reading: TraceView) -> float:
    return max((one.entry.began for one in reading.of("create", "query") if one.succeeded), default=0.0)


@rule("query.schema")
def schema(reading: TraceView) -> Iterator[Finding]:
    """`query.schema`, as far as no clause of its own speaks of the place, nor the same was said of the create."""
    for tale in task_histories(reading):
        for view in _bodies(tale):
            problems = [one for one in reading.problems(view) if not _is_told(one, view, tale.create)]
            if problems:
                where = problems[0].pointer.lstrip("/").replace("/", ".")
                yield violation(
                    view.number,
                    expected="a body as its schema says",
                    seen=f"{where or 'the body'}: {shown(problems[0].message)}",
                )
            else:
                yield passed(view.number)


def _bodies(tale: TaskHistory) -> Iterator[Observation]:
    """Whatever came with a 200; what lacks `id` or `status` is the business of `query.complete`."""
    yield from (view for view in tale.refused if view.status == view.success)
    yield from (view for view in tale.judged if not _missing(view))


def _is_told(problem: Problem, view: Observation, create: Observation | None) -> bool:
    name = problem.pointer.split("/")[1] if problem.pointer else ""
    value = view.body.get(name)
    if name in {"status", "error", "usage"} or (name == "progress" and value is not None):
        return True
    if name == "id" and isinstance(value, str):  # it is another than the one that was asked for
        return True
    if name == "results" and (value is None or isinstance(value, list)):
        return True
    if name == "task_info" and problem.pointer == "/task_info/estimated_time":
        return True
    if create is None:
        return False
    before = create.body.get(name, _ABSENT)
    return _at(view.body, problem.pointer) == _at(create.body, problem.pointer) or (
        name in IDENTITY and type(value) is type(before)
    )


def _at(body: Mapping[str, Any], pointer: str) -> Any:
    here: Any = body
    for step in pointer.split("/")[1:]:
        here = here.get(step, _ABSENT) if isinstance(here, dict) else _ABSENT
    return here


@rule("query.complete")
def complete(reading: TraceView) -> Iterator[Finding]:
    """`query.complete`: `id` and `status`; the rest may be left out, or has clauses of its own."""
    for tale in task_histories(reading):
        for view in tale.judged:
            missing = _missing(view)
            yield finding(
                not missing, view.number, expected="id and status", seen=f"no {' and no '.join(missing)}"
            )


def _missing(view: Observation) -> list[str]:
    return [name for name in ("id", "status") if view.body.get(name) is None]


@rule("query.same-id")
def same_id(reading: TraceView) -> Iterator[Finding]:
    """`query.same-id`."""
    for tale in task_histories(reading):
        for view in tale.judged:
            said = view.body.get("id")
            if not isinstance(said, str):
                continue
            yield finding(
                said == unquote(tale.id),
                view.number,
                expected=f"the id {tale.id}",
                seen=f"the id {shown(said)}",
            )


@rule("query.extra-fields")
def extra_fields(reading: TraceView) -> Iterator[Finding]:
    """`query.extra-fields`: what the create says too is judged there."""
    for tale in task_histories(reading):
        create = tale.create.body if tale.create else {}
        for view in tale.judged:
            for place, right in (("/usage", _is_usage), ("/task_info/estimated_time", _is_time)):
                value = _at(view.body, place)
                if value is _ABSENT or value is None:
                    continue
                yield finding(
                    right(value) or value == _at(create, place),
                    view.number,
                    expected=f"{place[1:].replace('/', '.')} as a create gives it",
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
    return value >= 0 and value == int(value)
