"""The JSON of a task at an instant, for the responses to create requests and queries and for callbacks."""

from __future__ import annotations

from typing import Any

import msgspec

from evolink_mock.domain.tasks import Phase, Task, view
from evolink_mock.media.spec import suffix

_encode = msgspec.json.Encoder().encode  # compact, slashes as they are (clause `wire.compact`)
MEDIA_PATH = "/media/"


def media_name(task: Task) -> str:
    """The file name at the end of a result link (clause `link.extension`)."""
    return task.id + suffix(task.operation.medium)


def result_url(task: Task) -> str:
    """The link to a task's result."""
    return f"{task.origin}{MEDIA_PATH}{media_name(task)}"


def to_dict(task: Task, now: float) -> dict[str, Any]:
    """The body of a task at `now`: the document's example with the values of this task.

    It has `results` only when completed and `error` only when failed (clauses `task.results-when-completed`,
    `task.error-when-failed`).
    """
    timetable, operation = task.timetable, task.operation
    state = view(timetable, now)
    is_over = state.phase >= Phase.COMPLETED
    body = dict(operation.answer)
    body["created"] = int(timetable.created)
    body["id"] = task.id
    body["model"] = task.model
    body["progress"] = state.progress
    body["status"] = operation.statuses[state.phase]
    body["task_info"] = {"can_cancel": not is_over, "estimated_time": timetable.estimate}
    if state.phase is Phase.COMPLETED:
        body["results"] = [result_url(task)]
    elif is_over and (failure := timetable.outcome.failure):
        body["error"] = {"code": failure.code, "message": failure.message, "type": "task_error"}
    return body


def to_json(task: Task, now: float) -> bytes:
    """The body as compact JSON."""
    return _encode(to_dict(task, now))
