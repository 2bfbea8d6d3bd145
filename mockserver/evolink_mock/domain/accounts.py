"""The bearer token is the account: its credits, its rate window, its count of tasks."""

from __future__ import annotations

import heapq
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct, field

from evolink_mock.domain import ids

if TYPE_CHECKING:
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.tasks import Plan, Task
    from evolink_mock.domain.units import Rate
    from evolink_mock.recipes.assignments import AssignedRecipe


JOURNAL = 200  # exchanges that are remembered of an account
_PLACES = 6  # of credits: three times 0.1 is 0.3


class Account(Struct):
    """The one record that changes. Credits are what the document's `usage` counts; times are Unix seconds."""

    token: str
    label: str  # a name for logs that does not give the token away
    salt: int
    granted: float  # credits at the beginning
    rate: Rate | None = None
    denied: frozenset[str] = frozenset()  # models it has no access to
    used: float = 0
    tasks: int = 0  # how many were created: the number of the next
    refunds: list[tuple[float, float]] = field(default_factory=list)  # a heap of (when, credits)
    window: float = -1.0  # the rate window that `hits` belongs to
    hits: int = 0
    clock: Clock | None = None  # its own, when a test moves it; else the server's
    journal: deque[Exchange] = field(default_factory=lambda: deque(maxlen=JOURNAL))
    orders: list[AssignedRecipe] | None = (
        None  # recipes that wait; None: none, so that most requests look no further
    )
    turns: dict[tuple[str, str], int] | None = (
        None  # of sequences that come with requests: operation and text
    )
    taken: set[tuple[str, int]] | None = None  # steps whose credits or rate are set: text and step
    drawn: int = 0  # answers that chance had a part in


class AccountTerms(Struct, frozen=True):
    """What every new account is opened with."""

    seed: int
    credits: float
    rate: Rate | None = None
    denied: frozenset[str] = frozenset()


def open_account(token: str, terms: AccountTerms) -> Account:
    """A new account; its ids follow from the seed and the token alone."""
    label = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    return Account(token, label, ids.salt(terms.seed, token), terms.credits, terms.rate, terms.denied)


def remaining(account: Account, now: float) -> float:
    """Credits left at `now`: what failed tasks had reserved has come back by then (clause `credits.refund`)."""
    while account.refunds and account.refunds[0][0] <= now:
        account.used = round(account.used - heapq.heappop(account.refunds)[1], _PLACES)
    return round(account.granted - account.used, _PLACES)


def set_credits(account: Account, left: float, now: float) -> None:
    """Let the account have so many credits left at `now`."""
    remaining(account, now)  # what has come back by now is not on top of it
    account.granted = round(account.used + left, _PLACES)


def set_rate(account: Account, rate: Rate) -> None:
    """Limit the account to a rate from now on: its window begins anew."""
    account.rate, account.window, account.hits = rate, -1.0, 0


def next_random(account: Account) -> int:
    """A number that repeats with the seed and the script, another each time: less than 36⁸."""
    account.drawn += 1
    return ids.draw(account.salt, -account.drawn)


def charge(account: Account, task: Task, price: float) -> None:
    """Reserve the price of a task, and note its return should the plan say that it fails."""
    account.tasks += 1
    account.used = round(account.used + price, _PLACES)
    if task.plan.outcome.failure is not None:
        heapq.heappush(account.refunds, (task.plan.ends, price))


def move_refund(account: Account, before: Plan, after: Plan, price: float) -> None:
    """Note when the price of a task returns, now that it has another plan; `before` was not over yet."""
    if before.outcome.failure is not None and (before.ends, price) in account.refunds:
        account.refunds.remove((before.ends, price))
        heapq.heapify(account.refunds)
    if after.outcome.failure is not None:
        heapq.heappush(account.refunds, (after.ends, price))


def count_request(account: Account, now: float) -> float | None:
    """Count a request; seconds to wait when it is one too many for the window, else None."""
    rate = account.rate
    if rate is None:
        return None
    window = now - now % rate.seconds
    if window != account.window:
        account.window, account.hits = window, 0
    account.hits += 1
    return window + rate.seconds - now if account.hits > rate.limit else None
