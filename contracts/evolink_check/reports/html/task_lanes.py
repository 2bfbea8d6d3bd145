"""Draw the observed tasks as lanes of a timeline.

In each lane, time starts at the first event of the task.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from evolink_check.reports.html.timeline import Lane, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.reports.html.timeline import Shape, Tone

LANES = 12  # maximum number of tasks that are shown
MARKS = 200  # maximum number of marks of each kind in a lane
IDLE = 3600.0  # pauses of more than this many seconds are shortened
LEGEND: tuple[tuple[Shape, Tone, str], ...] = (
    ("diamond", "pending", "create"),
    ("dot", "pending", "pending"),
    ("dot", "processing", "processing, as high as its progress"),
    ("dot", "completed", "completed"),
    ("dot", "failed", "failed"),
    ("dot", "muted", "another status"),
    ("cross", "bad", "query refused or lost"),
    ("triangle", "good", "callback answered with 2xx"),
    ("triangle", "bad", "callback answered otherwise"),
    ("square", "good", "result fetched"),
    ("square", "bad", "result not available"),
)


def lanes(view: TraceView) -> tuple[Lane, ...]:
    """Return lanes for the `LANES` tasks with the most events.

    The lanes are in the order of their first events.
    """
    lost: dict[str, list[Observation]] = {}
    for observation in view.seen:
        if observation.role == "query" and not observation.answered:
            lost.setdefault(observation.task_id, []).append(observation)
    tasks = list(view.tasks.values())
    chosen = {task.id for task in sorted(tasks, key=_events, reverse=True)[:LANES]}
    tones = _tones(view)
    return _without_idle_time(
        [_lane(task, lost.get(task.id, []), tones) for task in tasks if task.id in chosen]
    )


def _without_idle_time(drawn: list[Lane]) -> tuple[Lane, ...]:
    times = sorted({at for lane in drawn for mark in lane.marks for at in (mark.at, mark.until or mark.at)})
    cuts: list[tuple[float, float]] = []
    total = 0.0
    for before, after in pairwise(times):
        # A test that advances the server's clock by a day causes such a pause.
        if after - before > IDLE:
            left = max(1.0, (before - total) / 10)  # a tenth of the time that was drawn before the pause
            cuts.append((after, after - before - left))
            total += cuts[-1][1]

    def moved(at: float) -> float:
        return at - sum(cut for since, cut in cuts if at >= since)

    return tuple(
        replace(
            lane,
            marks=tuple(
                replace(mark, at=moved(mark.at), until=mark.until and moved(mark.until))
                for mark in lane.marks
            ),
        )
        for lane in drawn
    )


def _events(task: TaskRecord) -> int:
    # Tasks with callbacks and results are the most informative ones, and there are few of them.
    return len(task.views) + 100 * bool(task.deliveries) + 100 * bool(task.links)


def _tones(view: TraceView) -> Mapping[str, Tone]:
    statuses = view.spec.query.statuses
    return {
        statuses.initial: "pending",
        statuses.running: "processing",
        statuses.success: "completed",
        statuses.failure: "failed",
    }


def _lane(task: TaskRecord, lost: list[Observation], tones: Mapping[str, Tone]) -> Lane:
    start = min(event.entry.began for event in [*task.views, *task.refused, *lost, *task.links])
    # Queries with the key of another account or an unknown key must be refused, so they are not shown.
    refused = [query for query in [*task.refused, *lost] if _is_owners(query, task)]
    marks = [*_states(task, start, tones), *_refusals(refused, start), *_outcome(task, start)]
    codes = [
        query.body["error"].get("code") for query in task.queries if isinstance(query.body.get("error"), dict)
    ]
    note = _shorten(codes[-1], 28) if codes else f"{len(task.queries)} queries"
    return Lane(task.id.removeprefix("task-unified-")[:60], tuple(marks), note)


def _is_owners(query: Observation, task: TaskRecord) -> bool:
    creator = task.create.entry.who if task.create else query.entry.who
    return query.entry.who == creator and query.account.valid is not False


def _states(task: TaskRecord, start: float, tones: Mapping[str, Tone]) -> Iterator[Mark]:
    for answer in [*([task.create] if task.create else []), *task.queries[:MARKS]]:
        status, progress = answer.body.get("status"), answer.body.get("progress")
        tone: Tone = tones.get(status, "muted") if isinstance(status, str) else "muted"
        yield Mark(
            answer.entry.began - start,
            "diamond" if answer.role == "create" else "dot",
            tone,
            f"{answer.role} {_when(answer, start)}: {answer.status}, {_shorten(status)} {_shorten(progress)} %",
            _level(progress),
            answer.entry.ended - start,
        )


def _refusals(refused: list[Observation], start: float) -> Iterator[Mark]:
    for query in refused[:MARKS]:
        answer = str(query.status) if query.answered else f"no answer ({_shorten(query.entry.problem)})"
        yield Mark(query.entry.began - start, "cross", "bad", f"query {_when(query, start)}: {answer}")


def _outcome(task: TaskRecord, start: float) -> Iterator[Mark]:
    for delivery in task.deliveries[:MARKS]:
        answer = (
            f"answered {delivery.status}"
            if delivery.answered
            else f"no answer ({_shorten(delivery.entry.problem)})"
        )
        title = f"callback {_when(delivery, start)}: {_shorten(delivery.body.get('status'))}, {answer}"
        yield Mark(
            delivery.entry.began - start,
            "triangle",
            _tone(delivery),
            title,
            None,
            delivery.entry.ended - start,
        )
    for fetch in task.links[:MARKS]:
        title = f"result {_when(fetch, start)}: {fetch.status or 'no answer'}"
        yield Mark(fetch.entry.began - start, "square", _tone(fetch), title, None, fetch.entry.ended - start)


def _tone(event: Observation) -> Tone:
    return "good" if 200 <= event.status < 300 else "bad"  # noqa: PLR2004


def _when(event: Observation, start: float) -> str:
    return f"at {event.entry.began - start:.1f} s (entry {event.number})"


def _level(progress: Any) -> float:
    return progress / 100 if isinstance(progress, int | float) and 0 <= progress <= 100 else 0.0  # noqa: PLR2004


def _shorten(value: Any, length: int = 40) -> str:
    return str(value)[:length]
