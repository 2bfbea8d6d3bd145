"""The accounts of the mock. Each bearer token has its own account."""

from __future__ import annotations

import heapq
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct, field

from evolink_mock.domain import ids
from evolink_mock.domain.pricing import refund_of
from evolink_mock.domain.units import Rate  # noqa: TC001  (stores decode by the annotations)

if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from evolink_mock.domain.tasks import Task


_DECIMALS = 6  # of credits, so that three times 0.1 is 0.3
# A whole number of credits is an int, in the store as well, so that it is never written as `24.0`.
Credits = int | float
_EXACT = 2**53  # a larger whole number need not be exact as a float


class AssignedRecipe(Struct, frozen=True):
    """A recipe that applies to the next `left` requests of an account.

    If `left` is None, the recipe applies until another recipe replaces it.
    """

    recipe: str  # in its canonical spelling
    operation: str  # to which the recipe applies: create, query, media, credits, or any
    left: int | None
    turn: int = 0  # number of requests to which it has applied so far


class Account(Struct, omit_defaults=True):
    """The state of one account.

    Times are Unix seconds. Amounts of credits are in the same unit as `usage.credits_reserved` in the OpenAPI document.
    """

    token: str
    label: str  # a name for logs that does not reveal the token
    first_random: int  # random number from which the ids, durations and videos of its tasks are derived
    granted: Credits  # credits in total, used or not
    rate: Rate | None = None
    denied_models: frozenset[str] = frozenset()
    used: Credits = 0  # credits charged or reserved so far
    task_count: int = 0  # tasks created so far; also the number of the next task
    refunds: list[tuple[float, float]] = field(default_factory=list)  # scheduled; a heap of (time, credits)
    window_start: float = -1.0  # start of the present period of the rate limit
    window_count: int = 0  # number of requests in this period
    latest_end: float = 0.0  # when the last of its tasks ends; infinite if a task never ends
    frozen_at: float | None = None  # the time at which its clock is frozen; None while the clock runs
    shift: float = 0.0  # seconds by which its clock is ahead of the server's clock while it runs
    mover: str = ""  # name of the worker process that is moving its clock; empty if none
    # The next three are None while they are empty, because a test for None is fast.
    assigned: list[AssignedRecipe] | None = None
    turns: dict[str, int] | None = None  # number of requests by operation and recipe (`query 429*2, ok`)
    # The steps of recipes that have already set credits or a rate limit, as index and recipe (`0 credits=5`).
    applied: set[str] | None = None
    random_draws: int = 0  # number of calls of `next_random`


class AccountTerms(Struct, frozen=True):
    """The initial state of new accounts."""

    seed: int  # the ids of the accounts' tasks are derived from this number
    credits: float
    rate: Rate | None = None
    denied_models: frozenset[str] = frozenset()


def open_account(token: str, terms: AccountTerms) -> Account:
    """Return a new account for `token`. The ids of the account's tasks are derived from `terms.seed` and the token."""
    label = label_of(token)
    first_random = ids.first_random(terms.seed, token)
    return Account(token, label, first_random, terms.credits, terms.rate, terms.denied_models)


def label_of(token: str) -> str:
    """Return a short name for a token, for logs. The token cannot be derived from this name."""
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


def instant_of(account: Account, server_now: float) -> float:
    """Return the time on the account's clock when the server's clock shows `server_now`. Both are in Unix seconds."""
    return server_now + account.shift if account.frozen_at is None else account.frozen_at


def example_key(tokens: Collection[str]) -> str:
    """Return an accepted API key for examples. If `tokens` is empty, return an invented key."""
    return min(tokens, default="any-token")


def is_accepted(token: str, accepted: Container[str]) -> bool:
    """Return whether `accepted` contains the token or its part before the first `~`.

    A client can append `~` and a recipe to its token.
    """
    return token in accepted or token.partition("~")[0] in accepted


def rounded(number: float) -> Credits:
    """Round credits to 6 decimals. A whole number becomes an int."""
    if isinstance(number, int):  # as usual, and faster
        return number
    number = round(number, _DECIMALS)
    return int(number) if abs(number) < _EXACT and number == int(number) else number


def remaining(account: Account, now: float) -> Credits:
    """Return the account's remaining credits at the time `now`.

    The refunds that are due at `now` are included (clause `credits.refund`).
    """
    while account.refunds and account.refunds[0][0] <= now:
        account.used = rounded(account.used - heapq.heappop(account.refunds)[1])
    return rounded(account.granted - account.used)


def set_credits(account: Account, left: float, now: float) -> None:
    """Change the granted credits so that `left` credits remain at the time `now`."""
    remaining(account, now)  # first the refunds that are due, which would otherwise be added later
    account.granted = rounded(account.used + left)


def set_rate(account: Account, rate: Rate) -> None:
    """Set the rate limit of an account. Requests before this call do not count for the new limit."""
    account.rate, account.window_start, account.window_count = rate, -1.0, 0


def next_random(account: Account) -> int:
    """Return the account's next pseudo-random number (0 ≤ number < 36⁸).

    The same seed and token always give the same sequence of numbers.
    """
    account.random_draws += 1
    return ids.task_random(account.first_random, -account.random_draws)


def charge(account: Account, task: Task, price: float) -> None:
    """Count a new task, and reserve its price. Schedule the refund for the end of the task.

    If the task will fail, its whole price is refunded. If the task will complete, the unused part of the reserved price
    is refunded.
    """
    account.task_count += 1
    account.used = rounded(account.used + price)
    account.latest_end = max(account.latest_end, task.timetable.ends)
    if refund := price if task.timetable.outcome.failure is not None else refund_of(task):
        heapq.heappush(account.refunds, (task.timetable.ends, refund))


def move_refund(account: Account, before: Task, after: Task) -> None:
    """Replace the scheduled refund of a task that a test has ended early.

    `before` is the task with its original end. `after` is the task that has ended.
    """
    refund = before.timetable.ends, refund_of(before)
    if refund in account.refunds:
        account.refunds.remove(refund)
        heapq.heapify(account.refunds)
    if refund_after := refund_of(after):
        heapq.heappush(account.refunds, (after.timetable.ends, refund_after))


def count_request(account: Account, now: float) -> float | None:
    """Count a request for the rate limit.

    Returns the seconds to wait if the limit is exceeded. Returns None if the request is allowed.
    """
    rate = account.rate
    if rate is None:
        return None
    window_start = now - now % rate.seconds
    if window_start != account.window_start:
        account.window_start, account.window_count = window_start, 0
    account.window_count += 1
    return window_start + rate.seconds - now if account.window_count > rate.limit else None
