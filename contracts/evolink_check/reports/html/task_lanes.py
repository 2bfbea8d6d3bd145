"""The life of tasks as observed, for the drawing: a lane a task, its time from the create. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from evolink_check.reports.html.timeline import Lane, Mark
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_check.analysis.observations import Observation, TaskRecord, TraceView
    from evolink_check.reports.html.timeline import Shape, Tone

LANES = 12
IDLE = 3600.0  # seconds
LEGEND: tuple[tuple[Shape, Tone, str], ...] = (
    ("diamond", "pending", "create"),
    ("dot", "pending", "pending"),
    ("dot", "processing", "processing, as high as its progress"),
    ("dot", "completed", "completed"),
    ("dot", "failed", "failed"),
    ("dot", "muted", "another status"),
    ("cross", "bad", "query refused or lost"),
    ("triangle", "good", "callback answered with 2xx"),
    ("triangle", "bad", "callback not"),
    ("square", "good", "result fetched"),
    ("square", "bad", "result not given"),
)


def lanes(reading: TraceView) -> tuple[Lane, ...]:
    """The tasks of which most was seen, in the order of their first appearance."""
    lost: dict[str, list[Observation]] = {}
    for one in reading.seen:
        if one.role == "query" and not one.answered:
            lost.setdefault(one.task_id, []).append(one)
    stories = list(reading.stories.values())
    chosen = {story.id for story in sorted(stories, key=_events, reverse=True)[:LANES]}
    tones = _tones(reading)
    return _folded([_lane(story, lost.get(story.id, []), tones) for story in stories if story.id in chosen])


def _folded(found: list[Lane]) -> tuple[Lane, ...]:
    """A pause in which nothing happened in any lane is drawn short: a clock that was moved leaves a day behind."""
    times = sorted({at for lane in found for mark in lane.marks for at in (mark.at, mark.until or mark.at)})
    cuts: list[tuple[float, float]] = []
    for before, after in pairwise(times):
        if after - before > IDLE:
            left = max(1.0, (before - sum(cut for _, cut in cuts)) / 10)  # a tenth of what is drawn before
            cuts.append((after, after - before - left))

    def drawn(at: float) -> float:
        return at - sum(cut for since, cut in cuts if at >= since)

    return tuple(
        replace(
            lane,
            marks=tuple(
                replace(mark, at=drawn(mark.at), until=mark.until and drawn(mark.until))
                for mark in lane.marks
            ),
        )
        for lane in found
    )


def _events(story: TaskRecord) -> int:
    # Those with callbacks and results tell most, and there are few of them.
    return len(story.views) + 100 * bool(story.deliveries) + 100 * bool(story.links)


def _tones(reading: TraceView) -> Mapping[str, Tone]:
    words = reading.spec.query.statuses
    return {
        words.initial: "pending",
        words.running: "processing",
        words.success: "completed",
        words.failure: "failed",
    }


def _lane(story: TaskRecord, lost: list[Observation], tones: Mapping[str, Tone]) -> Lane:
    all_ = [*story.views, *story.refused, *lost, *story.links]
    start = min(one.entry.began for one in all_)
    marks = [*_life(story, start, tones), *_refusals([*story.refused, *lost], start), *_outcome(story, start)]
    codes = [
        one.body["error"].get("code") for one in story.queries if isinstance(one.body.get("error"), dict)
    ]
    note = redact_text(str(codes[-1]))[:28] if codes else f"{len(story.queries)} queries"
    return Lane(story.id.removeprefix("task-unified-")[:60], tuple(marks), note)


def _life(story: TaskRecord, start: float, tones: Mapping[str, Tone]) -> Iterator[Mark]:
    for one in [*([story.create] if story.create else []), *story.queries]:
        status, progress = one.body.get("status"), one.body.get("progress")
        tone: Tone = tones.get(status, "muted") if isinstance(status, str) else "muted"
        yield Mark(
            one.entry.began - start,
            "diamond" if one.role == "create" else "dot",
            tone,
            f"{one.role} {_when(one, start)}: {one.status}, {_short(status)} {_short(progress)} %",
            _level(progress),
            one.entry.ended - start,
        )


def _refusals(refused: list[Observation], start: float) -> Iterator[Mark]:
    for one in refused:
        told = str(one.status) if one.answered else f"no answer ({_short(one.entry.problem)})"
        yield Mark(one.entry.began - start, "cross", "bad", f"query {_when(one, start)}: {told}")


def _outcome(story: TaskRecord, start: float) -> Iterator[Mark]:
    for one in story.deliveries:
        told = f"answered {one.status}" if one.answered else f"no answer ({_short(one.entry.problem)})"
        title = f"callback {_when(one, start)}: {_short(one.body.get('status'))}, {told}"
        yield Mark(one.entry.began - start, "triangle", _good(one), title, None, one.entry.ended - start)
    for one in story.links:
        title = f"result {_when(one, start)}: {one.status or 'no answer'}"
        yield Mark(one.entry.began - start, "square", _good(one), title, None, one.entry.ended - start)


def _good(one: Observation) -> Tone:
    return "good" if 200 <= one.status < 300 else "bad"  # noqa: PLR2004


def _when(one: Observation, start: float) -> str:
    return f"at {one.entry.began - start:.1f} s (entry {one.number})"


def _level(progress: Any) -> float:
    return progress / 100 if isinstance(progress, int | float) and 0 <= progress <= 100 else 0.0  # noqa: PLR2004


def _short(value: Any) -> str:
    return redact_text(str(value))[:40]
