"""A task from its create to its end: who it is, where it stands, and that an end is one; and every rule on a life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.history import (
    CANCELLED,
    IDENTITY,
    bodies,
    bodies_of,
    can_cancel,
    differs,
    in_order,
    links_of,
    shown,
    sound_identity,
    task_histories,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory

_LONG = 600.0  # seconds of the server's time: by then a task usually has ended long ago
_TYPES = {"created": int, "model": str, "object": str, "type": str}


@rule("task.identity")
def identity(reading: TraceView) -> Iterator[Finding]:
    """`task.identity`. The id is the business of `query.same-id`, another JSON type that of `query.schema`."""
    for tale in task_histories(reading):
        known = sound_identity(tale.create)
        for view in bodies_of(tale):
            yield from _same(view, known)


def _same(view: Observation, known: dict[str, Any]) -> Iterator[Finding]:
    told = {name: view.body[name] for name in IDENTITY if type(view.body.get(name)) is _TYPES[name]}
    before = told.keys() & known.keys()
    for name, value in told.items():
        if known.setdefault(name, value) != value:
            yield violation(
                view.number, expected=f"{name} {shown(known[name])}, as before", seen=f"{name} {shown(value)}"
            )
            return
    if before:
        yield passed(view.number)


@rule("task.status-words")
def status_words(reading: TraceView) -> Iterator[Finding]:
    """`task.status-words`. That a cancelled task is no `cancelled` one is the business of `failure.cancelled`."""
    for tale, view in bodies(reading):
        status = view.body.get("status")
        if status is None or (isinstance(status, str) and status.lower() in CANCELLED):
            continue
        yield finding(
            is_documented(reading, tale, view),
            view.number,
            expected=f"status {', '.join(dict.fromkeys(tale.words))}",
            seen=f"status {shown(status)}",
        )


def is_documented(reading: TraceView, tale: TaskHistory, view: Observation) -> bool:
    """Whether the status is a word of the documents, of which a task's life may not need every one."""
    if view.body.get("status") in tale.words:
        return True
    return view.role == "query" and not any(one.pointer == "/status" for one in reading.problems(view))


@rule("task.status-order")
def status_order(reading: TraceView) -> Iterator[Finding]:
    """`task.status-order`. What follows an end is the business of `task.final`."""
    for tale in task_histories(reading):
        rank = {word: place for place, word in enumerate(tale.words)}
        latest: Observation | None = None
        for view, before in in_order([one for one in tale.judged if one.body.get("status") in tale.words]):
            latest = max(
                (*before, *([latest] if latest else [])),
                key=lambda one: rank[one.body["status"]],
                default=None,
            )
            if latest is None:
                continue
            now, then = view.body["status"], latest.body["status"]
            yield finding(
                rank[now] >= rank[then] or now in tale.ends,
                latest.number,
                view.number,
                expected=f"{then} or what follows it",
                seen=f"{now} after {then}",
            )


@rule("task.final")
def final(reading: TraceView) -> Iterator[Finding]:
    """`task.final`: status, progress, results (query strings aside), error and `can_cancel` last."""
    for tale in task_histories(reading):
        ends = tale.ended
        for view in ends[1:]:
            yield passed(ends[0].number, view.number)
        for view, end in tale.changed:
            name = differs(end, view, tale.words)
            yield violation(
                end.number,
                view.number,
                expected=f"{_of(end, name)}, as at the end",
                seen=f"{_of(view, name)} later",
            )


def _of(view: Observation, name: str) -> str:
    if name == "results":
        return f"results {shown(links_of(view.body))}"
    value = can_cancel(view.body) if name == "can_cancel" else view.body.get(name)
    return f"{name} {shown(value)}"


@rule("task.ends")
def ends(reading: TraceView) -> Iterator[Finding]:
    """`task.ends`, an advice: told as not ended after ten minutes of the server's time."""
    for tale in task_histories(reading):
        over = [view for view in (*tale.ended, *tale.deliveries) if view.body.get("status") in tale.ends]
        if over:
            yield passed(over[0].number)
        elif tale.create and tale.queries and all(is_documented(reading, tale, one) for one in tale.queries):
            last = tale.queries[-1]
            waited = (last.entry.began - tale.create.entry.ended) * reading.trace.scale
            if waited > _LONG and last.body.get("status") in (tale.words.initial, tale.words.running):
                yield violation(
                    tale.create.number,
                    last.number,
                    expected=f"an end within {_LONG:.0f} s",
                    seen=f"not ended: {last.body['status']} after {waited:.0f} s",
                )


@rule("task.can-cancel")
def cancellable(reading: TraceView) -> Iterator[Finding]:
    """`task.can-cancel`: both answers are accepted, as there is no call to cancel with."""
    for tale, view in bodies(reading):
        if view.body.get("status") in tale.ends and can_cancel(view.body) is not None:
            yield passed(view.number)
