"""What is known of each account's credits: every reading that counts, and every create that may have taken some.

A reading counts when no create of the account overlapped it and every task of it had ended.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from evolink_check.rules.exchanges.attribution import is_judgeable
from evolink_check.rules.exchanges.wire import twins
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_check.analysis.observations import Observation, TaskRecord, TraceView

_DUST = 6  # decimals that count: behind them stands what a server's own adding and subtracting left over
_LONG = 600.0  # seconds of the server's time, in which a task surely ends
_REFUSED = range(400, 500)


def settling(scale: float) -> float:
    """Real seconds after an end was told, by which the credits are taken to be settled."""
    return max(1.0, 2.0 / scale)


@dataclass(frozen=True, slots=True)
class Balance:
    """One reading of the credits with none of the account's tasks under way.

    `epoch`: how many creates had made a task, or may have, by then. `settled`: the last end was long enough ago.
    """

    seen: Observation
    left: float
    unlimited: bool
    epoch: int
    settled: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """One create of an account. `over`: when its end was first told, Unix seconds; infinite when it was not."""

    seen: Observation
    made: bool  # a task, or nobody knows
    story: TaskRecord | None
    over: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of one account's credits, in order."""

    balances: tuple[Balance, ...]
    creates: tuple[Spent, ...]


def ledgers(reading: TraceView) -> tuple[Ledger, ...]:
    """One for each label whose credits were asked for; none where it is not told who created what."""
    return reading.once(_ledgers)


def _ledgers(reading: TraceView) -> tuple[Ledger, ...]:
    creates = [_spent(one, reading) for one in reading.seen if one.role == "create"]
    if not reading.trace.complete or any(one.seen.entry.who == UNKNOWN for one in creates):
        return ()
    creates.sort(key=_began)
    labels: dict[str, list[Observation]] = {}
    for one in reading.of("credits"):
        if one.entry.who not in {UNKNOWN, NOBODY} and is_judgeable(one):
            labels.setdefault(one.entry.who, []).append(one)
    return tuple(
        _ledger(label, told, creates, settling(reading.trace.scale)) for label, told in labels.items()
    )


def _began(one: Spent) -> float:
    return one.seen.entry.began


def _spent(one: Observation, reading: TraceView) -> Spent:
    """What became of a create. Where its answer does not tell, or tells the id of another, it is over after a while."""
    words, made = reading.spec.query.statuses, one.status not in _REFUSED
    known = one.task_id and one.number not in reading.once(_twin_numbers)
    story = reading.stories.get(one.task_id) if known else None
    if story is None:
        over = one.entry.ended + _LONG / reading.trace.scale
        return Spent(one, made, story, over if made else one.entry.ended, failed=False)
    ends = [
        (view.entry.began if view.role == "delivery" else view.entry.ended, view.body["status"])
        for view in (*story.queries, *story.deliveries)
        if view.body.get("status") in (words.success, words.failure)
    ]
    over = min((at for at, _ in ends), default=float("inf"))
    return Spent(one, made, story, over, bool(ends) and all(word == words.failure for _, word in ends))


def _twin_numbers(reading: TraceView) -> frozenset[int]:
    """The creates that were answered with an id that another was given too: nobody knows whose story it is."""
    return frozenset(one.number for pair in reading.once(twins) for one in pair)


def _ledger(label: str, told: Sequence[Observation], creates: Sequence[Spent], settled: float) -> Ledger:
    # Keys of other labels may be of the same account, as far as anybody knows; these two are not.
    apart = {MAIN: {OTHER}, OTHER: {MAIN}}.get(label, set())
    mine = [one for one in creates if one.seen.entry.who not in apart]
    made = [one for one in mine if one.made]
    answered = list(accumulate((one.seen.entry.ended for one in mine), max, initial=0.0))
    over = list(accumulate((one.over for one in made), max, initial=0.0))
    balances = []
    for one in told:
        amount, began = _left(one), one.entry.began
        epoch = bisect_left(made, began, key=_began)
        alone = answered[bisect_right(mine, one.entry.ended, key=_began)] < began
        if amount is not None and alone and over[epoch] < began:
            settled_by_then = over[epoch] + settled <= began
            balances.append(Balance(one, amount, _is_unlimited(one), epoch, settled_by_then))
    return Ledger(tuple(balances), tuple(mine))


def _left(one: Observation) -> float | None:
    """The remaining credits of the user, whom all keys share."""
    return amount_of(side_of(one.body, "user").get("remaining_credits"))


def _is_unlimited(one: Observation) -> bool:
    return side_of(one.body, "token").get("unlimited_credits") is True


def side_of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """`data.user` or `data.token` of an answer; empty when there is none."""
    data = body.get("data")
    side = data.get(name) if isinstance(data, dict) else None
    return side if isinstance(side, dict) else {}


def amount_of(value: Any) -> float | None:
    """So many credits, without dust; None for what is no number."""
    return round(float(value), _DUST) if is_amount(value) else None


def is_amount(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
