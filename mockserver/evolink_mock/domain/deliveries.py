"""The deliveries of callbacks. The delivery of a callback consists of one or more attempts to send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from evolink_mock.domain.parsed_url import ParsedUrl  # noqa: TC001  (stores decode by the annotations)
from evolink_mock.domain.tasks import halfway

if TYPE_CHECKING:
    from evolink_mock.domain.tasks import Task


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver a callback.

    If a process dies during an attempt, another process repeats the attempt. The receiver may then receive the callback
    more than once.
    """

    at: float  # when the attempt began, in Unix seconds of the account's clock
    seconds: float  # duration of the attempt in real time
    status: int | None  # HTTP status of the response; None if no response arrived
    problem: str | None  # why no response arrived; None if a response arrived
    repeated: int = 0  # how many times the attempt was repeated because a process died during it


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The delivery of a task's callback. All times are Unix seconds of the account's clock."""

    task_id: str
    target: ParsedUrl  # the task's `callback_url`
    attempts: tuple[Attempt, ...] = ()  # completed attempts, the oldest first
    due: float | None = None  # time of the next attempt or the attempt in progress; None if none is planned
    repeats: bool = False  # whether a recipe requests one more attempt after the first success


def succeeded(attempt: Attempt) -> bool:
    """Return whether the receiver accepted the callback with a 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """Return a copy of the delivery with `attempt` added and no next attempt planned."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt), None, delivery.repeats)


def first_delivery(task: Task, target: ParsedUrl) -> Delivery | None:
    """Return the delivery of a new task's callback.

    Returns None if a recipe requests that no callback is sent. By default, the first attempt is due at the end of the
    task. A recipe can request an early or late callback.
    """
    anomalies, due = task.anomalies, task.timetable.ends
    if anomalies is None:
        return Delivery(task.id, target, (), due)
    if anomalies.callback == "never":
        return None
    due = halfway(task.timetable) if anomalies.callback == "early" else due + anomalies.callback_delay
    return Delivery(task.id, target, (), due, anomalies.callback == "twice")
