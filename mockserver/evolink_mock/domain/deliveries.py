"""The deliveries of callbacks and their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from evolink_mock.domain.parsed_url import ParsedUrl  # noqa: TC001  (stores decode by the annotations)
from evolink_mock.domain.tasks import halfway

if TYPE_CHECKING:
    from evolink_mock.domain.tasks import Task


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver: begun at `at` (Unix seconds of the server's clock), `seconds` long in real time.

    `status` is the HTTP status of the response. It is None when no response arrived; `problem` then gives the reason.
    `repeated`: how often a process was killed while it made this attempt; the receiver may have got it as often before.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None
    repeated: int = 0


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The callback of a task and its attempts so far.

    `due` is the instant of the next attempt, or of the attempt in progress, in Unix seconds of the account's clock;
    None if no attempt is planned. `repeats`: its first success will be followed by one more attempt.
    """

    task_id: str
    target: ParsedUrl
    attempts: tuple[Attempt, ...] = ()
    due: float | None = None
    repeats: bool = False


def succeeded(attempt: Attempt) -> bool:
    """Whether the receiver accepted the callback: any 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """The delivery with `attempt` added, and no further one due."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt), None, delivery.repeats)


def first_delivery(task: Task, target: ParsedUrl) -> Delivery | None:
    """The delivery of a new task, due at its end unless its recipe moves it; None if it is never sent."""
    anomalies, due = task.anomalies, task.timetable.ends
    if anomalies is None:
        return Delivery(task.id, target, (), due)
    if anomalies.callback == "never":
        return None
    due = halfway(task.timetable) if anomalies.callback == "early" else due + anomalies.callback_delay
    return Delivery(task.id, target, (), due, anomalies.callback == "twice")
