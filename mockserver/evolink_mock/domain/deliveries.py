"""The deliveries of callbacks, and their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from evolink_mock.domain.parsed_url import ParsedUrl  # noqa: TC001  (stores decode by the annotations)
from evolink_mock.domain.tasks import halfway

if TYPE_CHECKING:
    from evolink_mock.domain.tasks import Task


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver a callback.

    It began at `at`, in Unix seconds of the account's clock, and took `seconds` of real time. `status` is the HTTP
    status of the response. It is None if no response arrived; `problem` is then the reason. `repeated` is how often a
    process died during this attempt, so that it was made again. The receiver may have received the callback each time.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None
    repeated: int = 0


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The delivery of a task's callback, with its attempts so far.

    `due` is when the next attempt is due or the present one was due, in Unix seconds of the account's clock. It is
    None if no attempt is planned. If `repeats`, one more attempt follows the first success.
    """

    task_id: str
    target: ParsedUrl
    attempts: tuple[Attempt, ...] = ()
    due: float | None = None
    repeats: bool = False


def succeeded(attempt: Attempt) -> bool:
    """Whether the receiver accepted the callback, which means any 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """Return the delivery with an attempt added, and with no further attempt due."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt), None, delivery.repeats)


def first_delivery(task: Task, target: ParsedUrl) -> Delivery | None:
    """Return the delivery of a new task, or None if its recipe prevents the callback.

    It is due at the end of the task, unless the recipe moves it.
    """
    anomalies, due = task.anomalies, task.timetable.ends
    if anomalies is None:
        return Delivery(task.id, target, (), due)
    if anomalies.callback == "never":
        return None
    due = halfway(task.timetable) if anomalies.callback == "early" else due + anomalies.callback_delay
    return Delivery(task.id, target, (), due, anomalies.callback == "twice")
