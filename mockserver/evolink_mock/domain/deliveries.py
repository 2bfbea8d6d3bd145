"""The deliveries of callbacks and their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from evolink_mock.domain.parsed_url import ParsedUrl


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver: begun at `at` (Unix seconds of the server's clock), `seconds` long in real time.

    `status` is the HTTP status of the response. It is None when no response arrived; `problem` then gives the reason.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The callback of a task and its attempts so far."""

    task_id: str
    target: ParsedUrl
    attempts: tuple[Attempt, ...] = ()


def succeeded(attempt: Attempt) -> bool:
    """Whether the receiver accepted the callback: any 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """The delivery with `attempt` added."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt))
