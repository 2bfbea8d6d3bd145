"""The credits of an account before and after what happened, and the shape in which they are told.

Only what is sure is told: between two readings the account must have done one kind of thing only. What a task costs in
the end is documented as an estimate, so nothing is said of tasks that were completed.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.exchanges.attribution import certain_faults, is_judgeable
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.credit_ledger import amount_of, is_amount, ledgers, side_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.credit_ledger import Balance, Ledger, Spent

_OK, _FIRST_ERROR, _SHORT = 200, 400, 402


def _idle(reading: TraceView) -> Iterator[tuple[Balance, Balance, list[Observation], list[Observation]]]:
    """Two readings between which no task was made, with the refused creates and the answered queries between."""
    asked: dict[str, list[Observation]] = {}
    for one in reading.of("query"):
        if one.succeeded:
            asked.setdefault(one.entry.who, []).append(one)
    for ledger in ledgers(reading):
        refused = [one.seen for one in ledger.creates]
        for first, second in pairwise(ledger.balances):
            if first.epoch == second.epoch and first.settled:
                mine = asked.get(second.seen.entry.who, [])
                yield first, second, _between(refused, first, second), _between(mine, first, second)


def _between(ones: Sequence[Observation], first: Balance, second: Balance) -> list[Observation]:
    """What began after one reading and before the other, of what is in order."""
    start = bisect_left(ones, first.seen.entry.ended, key=lambda one: one.entry.began)
    end = bisect_left(ones, second.seen.entry.began, key=lambda one: one.entry.began)
    return list(ones[start:end])


@rule("credits.reserved")
def reserved(reading: TraceView) -> Iterator[Finding]:
    """`credits.reserved`, as far as a refused create takes none; how many an accepted one takes is an estimate."""
    for first, second, refused, asked in _idle(reading):
        if not refused or asked:
            continue
        numbers = (first.seen.number, refused[-1].number, second.seen.number)
        yield finding(
            second.left >= first.left,
            *numbers,
            expected=_credits(first.left),
            seen=f"{_credits(second.left)} after a refusal",
        )


@rule("query.reads-only")
def reads_only(reading: TraceView) -> Iterator[Finding]:
    """`query.reads-only`, an advice."""
    for first, second, refused, asked in _idle(reading):
        if refused or not asked:
            continue
        numbers = (first.seen.number, asked[-1].number, second.seen.number)
        yield finding(
            second.left >= first.left,
            *numbers,
            expected=_credits(first.left),
            seen=f"{_credits(second.left)} after a query",
        )


def _credits(amount: float) -> str:
    return f"{amount:g} credits left"


@dataclass(frozen=True, slots=True)
class Failed:
    """Tasks that all failed: the credits before their creates, and every reading until the next task was made."""

    before: Balance
    tasks: tuple[Spent, ...]
    after: tuple[Balance, ...]

    @property
    def returned(self) -> Balance | None:
        """The first reading that shows all credits again."""
        return next((one for one in self.after if one.left >= self.before.left), None)


def _failed(reading: TraceView) -> Iterator[Failed]:
    for ledger in ledgers(reading):
        made = [one for one in ledger.creates if one.made]
        epochs = [tuple(group) for _, group in groupby(ledger.balances, key=lambda one: one.epoch)]
        for before, after in pairwise(epochs):
            between = made[before[-1].epoch : after[0].epoch]
            settled = [one for one in before if one.settled]
            if settled and all(one.failed for one in between):
                yield Failed(settled[-1], tuple(between), after)


@rule("credits.refund")
def refund(reading: TraceView) -> Iterator[Finding]:
    """`credits.refund`: sooner or later. That it is not too late is the business of `callback.after-billing`."""
    for one in _failed(reading):
        last, numbers = one.after[-1], [task.seen.number for task in one.tasks]
        if one.returned is not None:
            yield passed(one.before.seen.number, *numbers, one.returned.seen.number)
        elif last.settled:
            yield violation(
                one.before.seen.number,
                *numbers,
                last.seen.number,
                expected=f"{_credits(one.before.left)} again, as the task failed",
                seen=_credits(last.left),
            )


@rule("callback.after-billing")
def after_billing(reading: TraceView) -> Iterator[Finding]:
    """`callback.after-billing`: credits that return are back when the callback is there."""
    for one in _failed(reading):
        deliveries = [task.story.deliveries[0] for task in one.tasks if task.story and task.story.deliveries]
        if one.returned is None or len(deliveries) < len(one.tasks):
            continue
        arrived = max(delivery.entry.began for delivery in deliveries)
        for balance in one.after:
            if balance.seen.entry.began < arrived:
                continue
            numbers = (deliveries[-1].number, balance.seen.number)
            yield finding(
                balance.left >= one.before.left,
                *numbers,
                expected=f"{_credits(one.before.left)} when the callback is there",
                seen=f"{_credits(balance.left)}, and {one.returned.left:g} later",
            )


@rule("credits.short")
def short(reading: TraceView) -> Iterator[Finding]:
    """`credits.short`, of accounts that are known to have none, and of those that were just read."""
    for one in reading.of("create"):
        if one.account.credits is False and one.account.valid and one.account.access is not False:
            if one.status == _SHORT:
                yield passed(one.number)
            elif one.succeeded and is_judgeable(one) and not certain_faults(one):
                yield violation(one.number, expected="402: the account has no credits", seen=str(one.status))
    for ledger in ledgers(reading):
        yield from _overdrawn(ledger)


def _overdrawn(ledger: Ledger) -> Iterator[Finding]:
    made = [one.seen for one in ledger.creates if one.made]
    for balance in ledger.balances:
        after = made[balance.epoch : balance.epoch + 1]
        if not after or balance.unlimited or after[0].account.credits is False or not after[0].succeeded:
            continue
        price = _price(after[0])
        if balance.settled and price > balance.left and after[0].entry.who == balance.seen.entry.who:
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
def shape(reading: TraceView) -> Iterator[Finding]:
    """`credits.shape`."""
    for one in reading.of("credits"):
        if one.status >= _FIRST_ERROR or not is_judgeable(one):
            continue
        problem = _misshapen(one)
        yield finding(
            not problem, one.number, expected="success, message, data.user and data.token", seen=problem
        )


def _misshapen(one: Observation) -> str:
    if one.status != _OK or not isinstance(one.answer, dict):
        return f"{one.status} with {'an object' if isinstance(one.answer, dict) else 'no object'}"
    if one.body.get("success") is not True or not isinstance(one.body.get("message"), str):
        return "success is not true, or message no text"
    for side in ("user", "token"):
        for name in ("remaining_credits", "used_credits"):
            if not is_amount(side_of(one.body, side).get(name)):
                return f"data.{side}.{name} is no number"
    flag = side_of(one.body, "token").get("unlimited_credits")
    return "" if isinstance(flag, bool) else "data.token.unlimited_credits is no boolean"
