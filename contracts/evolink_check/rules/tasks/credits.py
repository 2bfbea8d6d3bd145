"""Rules about the credits of an account and the shape of the credits response.

A rule about costs compares two responses of the credits endpoint. Between the two, the account sent requests
of one kind, such as refused create requests. The cost of completed tasks is not checked, because the
documents only estimate this cost.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.exchanges.attribution import certain_faults, is_judgeable
from evolink_check.rules.exchanges.false_rejections import ENOUGH
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.credit_ledger import amount_of, credits_part, is_amount, ledgers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.credit_ledger import Balance, CreateCost, Ledger

_OK, _FIRST_ERROR, _SHORT, _SERVER_ERROR = 200, 400, 402, 500


def _idle(view: TraceView) -> Iterator[tuple[Balance, Balance, list[Observation], list[Observation]]]:
    queries: dict[str, list[Observation]] = {}
    for observation in view.of("query") if ledgers(view) else ():
        if observation.succeeded:
            queries.setdefault(observation.who, []).append(observation)
    for ledger in ledgers(view):
        refused = [spent.seen for spent in ledger.creates]
        for first, second in pairwise(ledger.balances):
            # No task was created or in progress between the two balances.
            if first.epoch == second.epoch and first.settled:
                mine = queries.get(second.seen.who, [])
                yield first, second, _between(refused, first, second), _between(mine, first, second)


def _between(ordered: Sequence[Observation], first: Balance, second: Balance) -> list[Observation]:
    start = bisect_left(ordered, first.seen.ended, key=lambda observation: observation.began)
    end = bisect_left(ordered, second.seen.began, key=lambda observation: observation.began)
    return list(ordered[start:end])


def _costs_nothing(first: Balance, last: Observation, second: Balance, what: str) -> Finding:
    return finding(
        second.left >= first.left,
        *(first.seen.number, last.number, second.seen.number),
        expected=_credits(first.left),
        seen=f"{_credits(second.left)} after {what}",
    )


@rule("credits.reserved")
def reserved(view: TraceView) -> Iterator[Finding]:
    """A refused create request costs nothing."""
    # The cost of an accepted request is an estimate.
    for first, second, refused, queries in _idle(view):
        if not refused or queries:
            continue
        yield _costs_nothing(first, refused[-1], second, "a refusal")


@rule("query.reads-only")
def reads_only(view: TraceView) -> Iterator[Finding]:
    """A status query costs nothing."""
    for first, second, refused, queries in _idle(view):
        if refused or not queries:
            continue
        yield _costs_nothing(first, queries[-1], second, "a query")


def _credits(amount: float) -> str:
    return f"{amount:g} credits left"


@dataclass(frozen=True, slots=True)
class FailedTasks:
    """Failed tasks of one account, and its remaining credits before and after them.

    `after` contains all balances until the next create request that created a task.
    """

    before: Balance
    tasks: tuple[CreateCost, ...]
    after: tuple[Balance, ...]

    @property
    def returned(self) -> Balance | None:
        """The first balance in `after` with at least as many credits as `before`.

        None if there is no such balance.
        """
        return next((balance for balance in self.after if balance.left >= self.before.left), None)


def _failed_tasks(view: TraceView) -> Iterator[FailedTasks]:
    for ledger in ledgers(view):
        made = [spent for spent in ledger.creates if spent.made]
        epochs = [tuple(group) for _, group in groupby(ledger.balances, key=lambda balance: balance.epoch)]
        for before, after in pairwise(epochs):
            between = made[before[-1].epoch : after[0].epoch]
            settled = [balance for balance in before if balance.settled]
            if settled and all(spent.failed for spent in between):
                yield FailedTasks(settled[-1], tuple(between), after)


@rule("credits.refund")
def refund(view: TraceView) -> Iterator[Finding]:
    """The server returns the credits of a failed task.

    `callback.after-billing` checks when the server returns the credits.
    """
    for failure in _failed_tasks(view):
        last, numbers = failure.after[-1], [task.seen.number for task in failure.tasks]
        if failure.returned is not None:
            yield passed(failure.before.seen.number, *numbers, failure.returned.seen.number)
        elif last.settled:
            yield violation(
                failure.before.seen.number,
                *numbers,
                last.seen.number,
                expected=f"{_credits(failure.before.left)} again, as the task failed",
                seen=_credits(last.left),
            )


@rule("callback.after-billing")
def after_billing(view: TraceView) -> Iterator[Finding]:
    """The server returns the credits of a failed task before its callback arrives."""
    for failure in _failed_tasks(view):
        deliveries = [task.task.deliveries[0] for task in failure.tasks if task.task and task.task.deliveries]
        if failure.returned is None or len(deliveries) < len(failure.tasks):
            continue
        arrived = max(delivery.began for delivery in deliveries)
        for balance in failure.after:
            if balance.seen.began < arrived:
                continue
            numbers = (deliveries[-1].number, balance.seen.number)
            yield finding(
                balance.left >= failure.before.left,
                *numbers,
                expected=f"{_credits(failure.before.left)} when the callback arrives",
                seen=f"{_credits(balance.left)}, and {failure.returned.left:g} later",
            )


@rule("credits.short")
def short(view: TraceView) -> Iterator[Finding]:
    """A create request that the credits do not cover gets a 402."""
    # First case: according to the configuration of the check, the account has no credits.
    for create in view.of("create"):
        if create.account.credits is False and create.account.valid and create.account.access is not False:
            if create.status == _SHORT:
                yield passed(create.number)
            elif create.succeeded and is_judgeable(create) and not certain_faults(create):
                yield violation(
                    create.number, expected="402: the account has no credits", seen=str(create.status)
                )
    for ledger in ledgers(view):
        # Second case: the first task after a credits request costs more than the remaining credits.
        yield from _overdrawn(ledger)


def _overdrawn(ledger: Ledger) -> Iterator[Finding]:
    made = [spent.seen for spent in ledger.creates if spent.made]
    for balance in ledger.balances:
        after = made[balance.epoch : balance.epoch + 1]
        if not after or balance.unlimited or after[0].account.credits is False or not after[0].succeeded:
            continue
        price = _price(after[0])
        if balance.settled and price > balance.left and after[0].who == balance.seen.who:
            yield violation(
                balance.seen.number,
                after[0].number,
                expected=f"402: {_credits(balance.left)}",
                seen=f"{after[0].status}, {price:g} reserved",
            )


def _price(create: Observation) -> float:
    usage = create.body.get("usage")
    return (amount_of(usage.get("credits_reserved")) if isinstance(usage, dict) else None) or 0.0


@rule("credits.shape")
def shape(view: TraceView) -> Iterator[Finding]:
    """`/v1/credits` returns 200 and the remaining and used credits.

    The response has the credits of the user and of the API key.
    """
    known = [observation for observation in view.of("credits") if observation.account.valid]
    if len(known) >= ENOUGH and all(observation.status >= _SERVER_ERROR for observation in known):
        numbers = [observation.number for observation in known]
        seen = f"{len(known)} times {known[0].status}"
        yield violation(*numbers, expected="no lasting server error", seen=seen)
    for observation in view.of("credits"):
        if observation.status >= _FIRST_ERROR or not is_judgeable(observation):
            continue
        problem = _misshapen(observation)
        yield finding(
            not problem,
            observation.number,
            expected="success, message, data.user and data.token",
            seen=problem,
        )


def _misshapen(observation: Observation) -> str:
    if observation.status != _OK or not isinstance(observation.answer_json, dict):
        return f"{observation.status} with {'an object' if isinstance(observation.answer_json, dict) else 'no object'}"
    if observation.body.get("success") is not True or not isinstance(observation.body.get("message"), str):
        return "success is not true, or message is not a string"
    for part in ("user", "token"):
        for name in ("remaining_credits", "used_credits"):
            if not is_amount(credits_part(observation.body, part).get(name)):
                return f"data.{part}.{name} is not a number"
    flag = credits_part(observation.body, "token").get("unlimited_credits")
    return "" if isinstance(flag, bool) else "data.token.unlimited_credits is not a boolean"
