"""The JSON of a task at a given time, for responses and callbacks."""

from __future__ import annotations

from typing import Any

import msgspec

from evolink_mock.domain.pricing import count_of
from evolink_mock.domain.tasks import Phase, Task, View, view
from evolink_mock.media.spec import suffix

_MOST_REMEMBERED = 512
_remembered: dict[str, tuple[Task, View, bytes]] = {}
_encode = msgspec.json.Encoder().encode  # compact, slashes as they are (clause `wire.compact`)
MEDIA_PATH = "/media/"


def media_name(task: Task, index: int = 0) -> str:
    """Return the file name of a result (clause `link.extension`).

    `index` is the index of the result in the task, counted from 0.
    """
    number = f"-{index + 1}" if index else ""
    return task.id + number + suffix(task.media)


def result_url(task: Task, index: int = 0) -> str:
    """Return the link to the task's result with this index, counted from 0."""
    return f"{task.origin}{MEDIA_PATH}{media_name(task, index)}"


def to_dict(task: Task, now: float) -> dict[str, Any]:
    """Return the JSON of a task at `now`.

    The OpenAPI document's example response is filled with the values of this task. A completed task has `results`
    (clause `task.results-when-completed`). A failed task has `error` (clause `task.error-when-failed`).
    """
    timetable, operation = task.timetable, task.operation
    state = view(timetable, now)
    is_over = state.phase >= Phase.COMPLETED
    body = dict(operation.answer)
    body["created"] = int(timetable.created)
    body["id"] = task.id
    body["model"] = task.model
    body["progress"] = state.progress
    body["status"] = operation.statuses[state.phase] or operation.statuses.failure
    if "task_info" in body:
        body["task_info"] = _task_info(task, is_over=is_over)
    if task.results is not None and "usage" in body:
        body["usage"] = {**body["usage"], "credits_reserved": task.results.reserved}
    if state.phase is Phase.COMPLETED:
        _add_results(body, task)
    elif is_over and (failure := timetable.outcome.failure) and body["status"] == operation.statuses.failure:
        body["error"] = {"code": failure.code, "message": failure.message, "type": "task_error"}
    return body


def _task_info(task: Task, *, is_over: bool) -> dict[str, Any]:
    documented = task.operation.answer["task_info"]
    info = dict(documented)
    if "can_cancel" in info:
        # The tasks of some operations can never be cancelled. Their documented example has `false`.
        info["can_cancel"] = not is_over and info["can_cancel"] is not False
    if "estimated_time" in info:
        info["estimated_time"] = task.timetable.estimate
    if "video_duration" in info:
        info["video_duration"] = max(1, round(task.media.seconds))
    return info


def _add_results(body: dict[str, Any], task: Task) -> None:
    prose = task.operation.prose
    links = [result_url(task, index) for index in range(count_of(task))]
    if prose.has_files:
        body["results"] = links
    if prose.has_result_data:
        body["result_data"] = prose.result_data or result_data(task, links)


def result_data(task: Task, links: list[str]) -> list[dict[str, Any]]:
    """Return a generated member `result_data` for a completed task.

    The list has an object for each result, with the id and the link of the result.
    """
    entries = []
    for index, link in enumerate(links):
        entry: dict[str, Any] = {"result_id": f"{task.id}-{index + 1}"}
        if task.operation.prose.has_files:
            entry[f"{task.operation.medium}_url"] = link
        if task.operation.prose.has_layers:
            entry["z_index"] = index
        if task.media.seconds:
            entry["duration"] = task.media.seconds
        entries.append(entry)
    return entries


def to_json(task: Task, now: float) -> bytes:
    """Encode a task at `now` as compact JSON. The result is cached until the status or the progress changes."""
    state = view(task.timetable, now)
    remembered = _remembered.get(task.id)
    if remembered is not None and remembered[0] is task and remembered[1] is state:
        return remembered[2]
    body = _encode(to_dict(task, now))
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered[task.id] = task, state, body
    return body


class PendingBody:
    """Encodes pending tasks with almost the same JSON as the constructor's argument `task`.

    The id, the time of creation and the estimate may differ. All other values in the JSON must be equal.
    """

    # The JSON of the first task is encoded once, with placeholders for the three values. NUL characters delimit the
    # placeholders, because JSON contains no NUL. The JSON with the latest time of creation and estimate is kept. If the
    # next task has the same two values, only its id must be inserted.
    def __init__(self, task: Task) -> None:
        body = to_dict(task, task.timetable.created)
        body |= {"created": msgspec.Raw(b"\0(created)d\0"), "id": msgspec.Raw(b'"\0(id)b\0"')}
        if "estimated_time" in body.get("task_info", {}):
            body["task_info"]["estimated_time"] = msgspec.Raw(b"\0(estimate)d\0")
        holes = _encode(body).replace(b"%", b"%%").replace(b"\0(", b"%(")
        self._template = holes.replace(b"\0", b"")
        self._second, self._estimate = -1, -1  # of the task that was last encoded
        self._parts = [b"", b"", b""]  # its JSON before its id, its id, and the rest

    def encode(self, task: Task) -> bytes:
        """Return the JSON of the pending task `task`."""
        timetable = task.timetable
        second, estimate = int(timetable.created), timetable.estimate
        if second != self._second or estimate != self._estimate:
            self._second, self._estimate = second, estimate
            values = {b"created": second, b"id": b"\0\0", b"estimate": estimate}
            self._parts = [*(self._template % values).partition(b"\0\0")]
        parts = self._parts
        parts[1] = task.id.encode("ascii")
        return b"".join(parts)
