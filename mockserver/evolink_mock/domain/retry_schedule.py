"""When a callback is attempted: at the end of its task, then 1, 2 and 4 seconds after each failed attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.deliveries import succeeded

if TYPE_CHECKING:
    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.deliveries import Delivery


def next_due(delivery: Delivery, rules: CallbackRules, ended_at: float) -> float | None:
    """When the next attempt is due, in Unix seconds; None after a success and after the last retry.

    Keeps `callback.retries`, `callback.at-most-three` and `callback.any-failure`.
    `ended_at` is the end of the task before the first attempt, and the end of the last attempt after it.
    """
    count = len(delivery.attempts)
    if count == 0:
        return ended_at
    if succeeded(delivery.attempts[-1]) or count > len(rules.retries):
        return None
    return ended_at + rules.retries[count - 1]
