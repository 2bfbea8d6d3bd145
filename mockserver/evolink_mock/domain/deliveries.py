"""The deliveries of callbacks. The delivery of a callback consists of one or more attempts to send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from evolink_mock.domain.parsed_url import ParsedUrl  # noqa: TC001  (stores decode by the annotations)
from evolink_mock.domain.tasks import halfway

if TYPE_CHECKING:
    from evolink_mock.domain.tasks import Task


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver a callback, at the time `at` on the account's clock. It took `seconds` of real time.

    `status` is the HTTP status of the response. If no response arrived, `status` is None, and `problem` is the reason.
    If the process dies during an attempt, another process repeats the attempt, so that the receiver may receive the
    callback more than once. `repeated` is the number of these repetitions.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None
    repeated: int = 0


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The delivery of a task's callback to the URL `target`, with its attempts so far.

    `due` is the time of the next attempt, or of the attempt in progress, on the account's clock. It is None if no
    attempt is planned. If `repeats` is true, a recipe requests that the callback is sent once more after it was
    accepted.
    """

    task_id: str
    target: ParsedUrl
    attempts: tuple[Attempt, ...] = ()
    due: float | None = None
    repeats: bool = False


def succeeded(attempt: Attempt) -> bool:
    """Return whether the receiver accepted the callback with a 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """Return a copy of the delivery with `attempt` added and no next attempt planned."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt), None, delivery.repeats)


def first_delivery(task: Task, target: ParsedUrl) -> Delivery | None:
    """Return the delivery of a new task's callback; None if a recipe requests that no callback is sent.

    The first attempt is due at the end of the task, unless a recipe requests an early or late callback.
    """
    anomalies, due = task.anomalies, task.timetable.ends
    if anomalies is None:
        return Delivery(task.id, target, (), due)
    if anomalies.callback == "never":
        return None
    due = halfway(task.timetable) if anomalies.callback == "early" else due + anomalies.callback_delay
    return Delivery(task.id, target, (), due, anomalies.callback == "twice")
