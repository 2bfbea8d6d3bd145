"""Rules about the progress of a task: its range, its order, and its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.body_fields import progress_of
from evolink_check.rules.tasks.history import bodies, in_order, task_histories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory


@rule("task.progress-range")
def progress_range(view: TraceView) -> Iterator[Finding]:
    """`progress` is an integer from 0 to 100 for every status.

    `query.schema` checks a `progress` that is null.
    """
    for _, observation in bodies(view):
        value = observation.body.get("progress")
        if value is None:
            continue
        if progress_of(observation.body) is None:
            expected = "an integer from 0 to 100"
            yield violation(observation.number, expected=expected, seen=f"progress {shown(value)}")
        else:
            yield passed(observation.number)


@rule("task.progress-monotone")
def progress_monotone(view: TraceView) -> Iterator[Finding]:
    """`progress` never decreases while a task is processing.

    Other clauses check the progress of pending tasks and of completed tasks.
    """
    for history in task_histories(view):
        highest: tuple[int, Observation] | None = None
        for observation, before in in_order(
            [query for query in history.judged if _is_running(history, query)]
        ):
            for earlier in before:
                value = progress_of(earlier.body) or 0
                highest = (value, earlier) if highest is None or value > highest[0] else highest
            now = progress_of(observation.body) or 0
            if highest is None:
                continue
            yield finding(
                now >= highest[0],
                highest[1].number,
                observation.number,
                expected=f"{highest[0]} or more",
                seen=f"{now} after {highest[0]}",
            )


def _is_running(history: TaskHistory, observation: Observation) -> bool:
    return (
        observation.body.get("status") == history.statuses.running
        and progress_of(observation.body) is not None
    )


def _progress_at(view: TraceView, place: int, value: int) -> Iterator[Finding]:
    for history, observation in bodies(view):
        # `place` is the position of the status in the tuple `Statuses`; 0 is the status of pending tasks.
        now, word = progress_of(observation.body), history.statuses[place]
        if observation.body.get("status") != word or now is None:
            continue
        yield finding(
            now == value, observation.number, expected=f"progress {value} when {word}", seen=f"progress {now}"
        )


@rule("task.progress-pending")
def progress_pending(view: TraceView) -> Iterator[Finding]:
    """`progress` is 0 while a task is pending.

    The rule does not apply if the documents have no status for pending tasks.
    """
    words = view.spec.query.statuses
    return _progress_at(view, 0, 0) if words.initial != words.running else iter(())


@rule("task.progress-processing")
def progress_processing(view: TraceView) -> Iterator[Finding]:
    """While a task is processing, `progress` is an integer from 0 to 100.

    Any other value violates `task.progress-range` instead. This rule reports no violations.
    """
    return (
        passed(observation.number)
        for history, observation in bodies(view)
        if _is_running(history, observation)
    )


@rule("task.progress-completed")
def progress_completed(view: TraceView) -> Iterator[Finding]:
    """`progress` is 100 when a task is completed."""
    return _progress_at(view, 2, 100)


@rule("task.progress-failed")
def progress_failed(view: TraceView) -> Iterator[Finding]:
    """`progress` is 0 when a task has failed."""
    return _progress_at(view, 3, 0)
