"""Rules about the life of a task: its identity, its statuses, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.body_fields import (
    CANCELLED,
    IDENTITY,
    can_cancel,
    changed_field,
    links_of,
    sound_identity,
)
from evolink_check.rules.tasks.history import bodies, bodies_of, in_order, task_histories
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory

_TYPES = {"created": int, "model": str, "object": str, "type": str}


@rule("task.identity")
def identity(view: TraceView) -> Iterator[Finding]:
    """`created`, `model`, `object` and `type` are the same in every body about a task.

    `query.same-id` checks the id, and `query.schema` checks the JSON types.
    """
    for history in task_histories(view):
        identity = sound_identity(history.create)
        for observation in bodies_of(history):
            yield from _same_identity(observation, identity)


def _same_identity(observation: Observation, identity: dict[str, Any]) -> Iterator[Finding]:
    fields = {
        name: observation.body[name] for name in IDENTITY if type(observation.body.get(name)) is _TYPES[name]
    }
    before = fields.keys() & identity.keys()
    for name, value in fields.items():
        # A field that occurs for the first time is added to `identity`.
        if identity.setdefault(name, value) != value:
            yield violation(
                observation.number,
                expected=f"{name} {shown(identity[name])}, as before",
                seen=f"{name} {shown(value)}",
            )
            return
    if before:
        yield passed(observation.number)


@rule("task.status-words")
def status_words(view: TraceView) -> Iterator[Finding]:
    """`status` is one of the documented statuses.

    `failure.cancelled` checks the status of a cancelled task.
    """
    for history, observation in bodies(view):
        status = observation.body.get("status")
        if status is None or (isinstance(status, str) and status.lower() in CANCELLED):
            continue
        if is_documented(view, history, observation):
            yield passed(observation.number)
        else:
            expected = f"status {', '.join(dict.fromkeys(history.statuses))}"
            yield violation(observation.number, expected=expected, seen=f"status {shown(status)}")


def is_documented(view: TraceView, history: TaskHistory, observation: Observation) -> bool:
    """Return whether the status in a response about the task is documented."""
    if observation.body.get("status") in history.statuses:
        return True
    return observation.role == "query" and not any(
        problem.pointer == "/status" for problem in view.problems(observation)
    )


@rule("task.status-order")
def status_order(view: TraceView) -> Iterator[Finding]:
    """The status of a task never goes back to an earlier one.

    `task.final` checks what follows the end of a task.
    """
    for history in task_histories(view):
        rank = {word: place for place, word in enumerate(history.statuses)}
        latest: Observation | None = None
        for observation, before in in_order(
            [query for query in history.judged if query.body.get("status") in history.statuses]
        ):
            latest = max(
                (*before, *([latest] if latest else [])),
                key=lambda earlier: rank[earlier.body["status"]],
                default=None,
            )
            if latest is None:
                continue
            now, then = observation.body["status"], latest.body["status"]
            yield finding(
                rank[now] >= rank[then] or now in history.ends,
                latest.number,
                observation.number,
                expected=f"{then} or what follows it",
                seen=f"{now} after {then}",
            )


@rule("task.final")
def final(view: TraceView) -> Iterator[Finding]:
    """Nothing changes after the end of a task.

    The rule compares status, progress, results, error and `can_cancel`. Result links are compared without
    their query strings.
    """
    for history in task_histories(view):
        ends = history.ended
        for observation in ends[1:]:
            yield passed(ends[0].number, observation.number)
        for observation, end in history.changed:
            name = changed_field(end, observation, history.statuses)
            yield violation(
                end.number,
                observation.number,
                expected=f"{_of(end, name)}, as at the end",
                seen=f"{_of(observation, name)} later",
            )


def _of(observation: Observation, name: str) -> str:
    if name == "results":
        return f"results {shown(links_of(observation.body))}"
    value = can_cancel(observation.body) if name == "can_cancel" else observation.body.get(name)
    return f"{name} {shown(value)}"


@rule("task.ends")
def ends(view: TraceView) -> Iterator[Finding]:
    """A task ends within the configured limit.

    If no limit is configured, the limit is ten times the estimated time of the task. If the task has no
    estimated time, the limit is ten minutes of the server's clock. A task that exceeds these ten minutes
    causes a warning.
    """
    for history in task_histories(view):
        over = [
            observation
            for observation in (*history.ended, *history.deliveries)
            if observation.body.get("status") in history.ends
        ]
        if over:
            yield passed(over[0].number)
        elif (
            history.create
            and history.queries
            and all(is_documented(view, history, query) for query in history.queries)
        ):
            yield from _not_ended(view, history, history.create)


def _not_ended(view: TraceView, history: TaskHistory, create: Observation) -> Iterator[Finding]:
    tolerances, last = Tolerances(view.trace.scale), history.queries[-1]
    info = create.body.get("task_info")
    estimated = info.get("estimated_time") if isinstance(info, dict) else None
    limit = tolerances.task_limit(estimated, view.trace.task_limit)
    longest, waited = limit or tolerances.real(tolerances.task_end_server), last.began - create.ended
    unfinished = (history.statuses.initial, history.statuses.running)
    if waited > longest and last.body.get("status") in unfinished:
        yield violation(
            create.number,
            last.number,
            expected=f"an end within {longest:.0f} s",
            seen=f"not ended: {last.body['status']} after {waited:.0f} s",
            severity=None if limit else "warning",
        )


@rule("task.can-cancel")
def cancellable(view: TraceView) -> Iterator[Finding]:
    """A task that has ended has a boolean `can_cancel`."""
    for history, observation in bodies(view):
        # Both values are accepted. The API has no request that shows which value is right.
        if observation.body.get("status") in history.ends and can_cancel(observation.body) is not None:
            yield passed(observation.number)
