"""The deliveries of callbacks: their attempts, and when the next one is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.parsed_url import ParsedUrl


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver: begun at `at` (Unix seconds of the server's clock), `seconds` long in real time.

    `status` is the HTTP status of the response; without one, `problem` says why in a few words.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """The callback of a task, and the attempts so far."""

    task_id: str
    target: ParsedUrl
    attempts: tuple[Attempt, ...] = ()


def succeeded(attempt: Attempt) -> bool:
    """Whether the receiver accepted it: any 2xx status (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def after(delivery: Delivery, attempt: Attempt) -> Delivery:
    """The delivery with one more attempt."""
    return Delivery(delivery.task_id, delivery.target, (*delivery.attempts, attempt))


def next_due(delivery: Delivery, rules: CallbackRules, ended_at: float) -> float | None:
    """When to attempt next; None once delivered or given up.

    Keeps `callback.retries`, `callback.at-most-three` and `callback.any-failure`.
    `ended_at` is the end of the task before the first attempt, and the end of the last attempt after it.
    """
    count = len(delivery.attempts)
    if count == 0:
        return ended_at
    if succeeded(delivery.attempts[-1]) or count > len(rules.retries):
        return None
    return ended_at + rules.retries[count - 1]
