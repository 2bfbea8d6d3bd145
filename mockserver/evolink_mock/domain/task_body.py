"""From a task and an instant to the bytes that a create, a query and a callback all send."""

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
    """The body that describes a task at `now`: the example of the document with what is true put in.

    `results` when completed and only then, `error` when failed and only then (clauses
    `task.results-when-completed`, `task.error-when-failed`).
    """
    plan, operation = task.plan, task.operation
    seen = view(plan, now)
    over = seen.phase >= Phase.COMPLETED
    found = dict(operation.answer)
    found["created"] = int(plan.created)
    found["id"] = task.id
    found["model"] = task.model
    found["progress"] = seen.progress
    found["status"] = operation.statuses[seen.phase]
    found["task_info"] = {"can_cancel": not over, "estimated_time": plan.estimate}
    if seen.phase is Phase.COMPLETED:
        found["results"] = [result_url(task)]
    elif over and (failure := plan.outcome.failure):
        found["error"] = {"code": failure.code, "message": failure.message, "type": "task_error"}
    return found


def to_json(task: Task, now: float) -> bytes:
    """`body` as compact JSON."""
    return _encode(to_dict(task, now))
