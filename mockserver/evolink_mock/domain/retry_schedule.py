"""The times of the attempts to deliver a callback.

By the contract, the first attempt is made at the task's end. Retries follow 1, 2 and 4 seconds after failed attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain.deliveries import succeeded, with_attempt

if TYPE_CHECKING:
    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.deliveries import Attempt, Delivery

_REPEAT_SECONDS = 1.0  # from the first success to the second attempt of a callback that is sent twice


def next_due(delivery: Delivery, rules: CallbackRules, ended_at: float) -> float | None:
    """Return when the next attempt of a delivery is due, in Unix seconds.

    Returns None after a success or after the last retry. `ended_at` is the end of the last attempt. Before the first
    attempt, `ended_at` is the end of the task. Implements the clauses `callback.retries`, `callback.at-most-three` and
    `callback.any-failure`.
    """
    if not delivery.attempts:
        return ended_at
    pause = retry_pause(delivery, rules)
    return None if pause is None else ended_at + pause


def retry_pause(delivery: Delivery, rules: CallbackRules) -> float | None:
    """Return the seconds of the account's clock between the last attempt and the next.

    Returns None after a success or after the last retry. The delivery must have at least one attempt.
    """
    count = len(delivery.attempts)
    if succeeded(delivery.attempts[-1]) or count > len(rules.retries):
        return None
    return rules.retries[count - 1]


def conclude(
    before: Delivery, attempt: Attempt, rules: CallbackRules, ended_at: float, *, retried: bool = True
) -> Delivery:
    """Return a copy of the delivery `before` with `attempt` added.

    The copy has the time of the next attempt. `ended_at` is the end of `attempt` in Unix seconds. If `retried` is
    false, no further attempt is planned.
    """
    after = with_attempt(before, attempt)
    if not retried:
        return after
    if before.repeats and succeeded(attempt):
        return replace(after, due=attempt.at + _REPEAT_SECONDS, repeats=False)
    due = next_due(after, rules, ended_at)
    return replace(after, due=due, repeats=before.repeats and due is not None)
