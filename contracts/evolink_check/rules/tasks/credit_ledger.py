"""What is known of each account's credits: every reading that counts, and every create that may have taken some.

A reading counts when no create of the account overlapped it and every task of it had ended.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from evolink_check.rules.exchanges.attribution import is_judgeable
from evolink_check.rules.exchanges.wire import creates_with_same_id
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView

_DUST = 6  # decimals that count: behind them stands what a server's own adding and subtracting left over
_REFUSED = range(400, 500)


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
class CreateCost:
    """One create of an account. `over`: when its end was first told, Unix seconds; infinite when it was not."""

    seen: Observation
    made: bool  # a task, or nobody knows
    task: TaskRecord | None
    over: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of one account's credits, in order."""

    balances: tuple[Balance, ...]
    creates: tuple[CreateCost, ...]


def ledgers(view: TraceView) -> tuple[Ledger, ...]:
    """One for each label whose credits were asked for; none where it is not told who created what."""
    return view.once(_ledgers)


def _ledgers(view: TraceView) -> tuple[Ledger, ...]:
    creates = [_cost_of(observation, view) for observation in view.seen if observation.role == "create"]
    if not view.trace.complete or any(spent.seen.who == UNKNOWN for spent in creates):
        return ()
    creates.sort(key=_began)
    labels: dict[str, list[Observation]] = {}
    for observation in view.of("credits"):
        if observation.who not in {UNKNOWN, NOBODY} and is_judgeable(observation):
            labels.setdefault(observation.who, []).append(observation)
    settled = Tolerances(view.trace.scale).credits_settled
    return tuple(_ledger(label, told, creates, settled) for label, told in labels.items())


def _began(spending: CreateCost) -> float:
    return spending.seen.began


def _cost_of(create: Observation, view: TraceView) -> CreateCost:
    """What became of a create. Without an id of its own in the answer, the task counts as over after a while."""
    statuses, made = view.spec.query.statuses, create.status not in _REFUSED
    known = create.task_id and create.number not in view.once(_numbers_with_same_id)
    task = view.tasks.get(create.task_id) if known else None
    if task is None:
        tolerances = Tolerances(view.trace.scale)
        over = create.ended + tolerances.real(tolerances.task_end_server)
        return CreateCost(create, made, task, over if made else create.ended, failed=False)
    ends = [
        (
            observation.began if observation.role == "delivery" else observation.ended,
            observation.body["status"],
        )
        for observation in (*task.queries, *task.deliveries)
        if observation.body.get("status") in (statuses.success, statuses.failure)
    ]
    over = min((at for at, _ in ends), default=float("inf"))
    return CreateCost(
        create, made, task, over, bool(ends) and all(word == statuses.failure for _, word in ends)
    )


def _numbers_with_same_id(view: TraceView) -> frozenset[int]:
    """The creates that were answered with an id that another was given too: nobody knows whose task it is."""
    return frozenset(observation.number for pair in view.once(creates_with_same_id) for observation in pair)


def _ledger(label: str, told: Sequence[Observation], creates: Sequence[CreateCost], settled: float) -> Ledger:
    # Keys of other labels may be of the same account, as far as anybody knows; these two are not.
    apart = {MAIN: {OTHER}, OTHER: {MAIN}}.get(label, set())
    mine = [spent for spent in creates if spent.seen.who not in apart]
    made = [spent for spent in mine if spent.made]
    answered = list(accumulate((spent.seen.ended for spent in mine), max, initial=0.0))
    over = list(accumulate((spent.over for spent in made), max, initial=0.0))
    balances = []
    for observation in told:
        amount, began = _left(observation), observation.began
        epoch = bisect_left(made, began, key=_began)
        alone = answered[bisect_right(mine, observation.ended, key=_began)] < began
        if amount is not None and alone and over[epoch] < began:
            settled_by_then = over[epoch] + settled <= began
            balances.append(Balance(observation, amount, _is_unlimited(observation), epoch, settled_by_then))
    return Ledger(tuple(balances), tuple(mine))


def _left(observation: Observation) -> float | None:
    """The remaining credits of the user, whom all keys share."""
    return amount_of(credits_part(observation.body, "user").get("remaining_credits"))


def _is_unlimited(observation: Observation) -> bool:
    return credits_part(observation.body, "token").get("unlimited_credits") is True


def credits_part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
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
