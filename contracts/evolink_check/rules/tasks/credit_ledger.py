"""The remaining credits and the create requests of each account.

The remaining credits are taken from the responses of the credits endpoint. During a credits request, a task or
create request of the account may be in progress. The response of such a credits request is ignored.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from evolink_check.rules.exchanges.attribution import creates_task, is_judgeable
from evolink_check.rules.exchanges.wire import creates_with_same_id
from evolink_check.rules.tasks.history import ends_of, statuses_of
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView

_DECIMALS = 6  # further decimals may be rounding errors of the server's arithmetic
_REFUSED = range(400, 500)


@dataclass(frozen=True, slots=True)
class Balance:
    """A response of the credits endpoint.

    During the credits request, no task or create request of the account was in progress.
    """

    seen: Observation  # the credits request with its response
    left: float  # number of remaining credits
    unlimited: bool  # whether the API key may spend any number of credits
    epoch: int  # number of earlier create requests that created a task or may have done so
    settled: bool  # whether the last task ended so long ago that a refund would have been made


@dataclass(frozen=True, slots=True)
class CreateCost:
    """A create request, and what the trace shows about its task."""

    seen: Observation  # the create request with its response
    made: bool  # whether the request created a task or may have done so
    task: TaskRecord | None  # None if the response has no unique task id
    over: float  # Unix time at which the task was first reported as ended; infinity if it never was
    failed: bool  # whether the task failed


@dataclass(frozen=True, slots=True)
class Ledger:
    """The balances and the create requests of one account, each in order of time."""

    balances: tuple[Balance, ...]
    creates: tuple[CreateCost, ...]


def ledgers(view: TraceView) -> tuple[Ledger, ...]:
    """Return a ledger for each account whose credits were queried.

    Returns no ledgers if the trace is incomplete. Returns no ledgers if the account of a create request is
    unknown.
    """
    return view.once(_ledgers)


def _ledgers(view: TraceView) -> tuple[Ledger, ...]:
    labels: dict[str, list[Observation]] = {}
    for observation in view.of("credits"):
        if observation.who not in {UNKNOWN, NOBODY} and is_judgeable(observation):
            labels.setdefault(observation.who, []).append(observation)
    if not view.trace.complete or not labels:
        return ()
    creates = [
        _cost_of(observation, view)
        for observation in view.seen
        if observation.role == "create" or creates_task(observation, view)
    ]
    if any(spent.seen.who == UNKNOWN for spent in creates):
        return ()
    creates.sort(key=_began)
    settled = Tolerances(view.trace.scale).credits_settled
    return tuple(_ledger(label, readings, creates, settled) for label, readings in labels.items())


def _began(spending: CreateCost) -> float:
    return spending.seen.began


def _cost_of(create: Observation, view: TraceView) -> CreateCost:
    made = create.status not in _REFUSED
    unique = create.task_id and create.number not in view.once(_numbers_with_same_id)
    task = view.tasks.get(create.task_id) if unique else None
    if task is None:
        tolerances = Tolerances(view.trace.scale)
        # Without a unique task id, the end of the task cannot be observed.
        over = create.ended + tolerances.real(tolerances.task_end_server)
        return CreateCost(create, made, task, over if made else create.ended, failed=False)
    statuses = statuses_of(task, view)
    ends = [
        (
            observation.began if observation.role == "delivery" else observation.ended,
            observation.body["status"],
        )
        for observation in (*task.queries, *task.deliveries)
        if observation.body.get("status") in ends_of(statuses)
    ]
    over = min((at for at, _ in ends), default=float("inf"))
    return CreateCost(
        create, made, task, over, bool(ends) and all(word != statuses.success for _, word in ends)
    )


def _numbers_with_same_id(view: TraceView) -> frozenset[int]:
    # Tasks with the same id cannot be told apart.
    return frozenset(observation.number for pair in view.once(creates_with_same_id) for observation in pair)


def _ledger(
    label: str, readings: Sequence[Observation], creates: Sequence[CreateCost], settled: float
) -> Ledger:
    # Other labels may stand for API keys of the same account; only these two are certainly different accounts.
    apart = {MAIN: {OTHER}, OTHER: {MAIN}}.get(label, set())
    mine = [spent for spent in creates if spent.seen.who not in apart]
    made = [spent for spent in mine if spent.made]
    answered = list(accumulate((spent.seen.ended for spent in mine), max, initial=0.0))
    over = list(accumulate((spent.over for spent in made), max, initial=0.0))
    balances = []
    for observation in readings:
        amount, began = _left(observation), observation.began
        epoch = bisect_left(made, began, key=_began)
        alone = answered[bisect_right(mine, observation.ended, key=_began)] < began
        if amount is not None and alone and over[epoch] < began:
            settled_by_then = over[epoch] + settled <= began
            balances.append(Balance(observation, amount, _is_unlimited(observation), epoch, settled_by_then))
    return Ledger(tuple(balances), tuple(mine))


def _left(observation: Observation) -> float | None:
    # All API keys of the user share these credits.
    return amount_of(credits_part(observation.body, "user").get("remaining_credits"))


def _is_unlimited(observation: Observation) -> bool:
    return credits_part(observation.body, "token").get("unlimited_credits") is True


def credits_part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return `data.user` or `data.token` of a credits response; empty if it is missing."""
    data = body.get("data")
    part = data.get(name) if isinstance(data, dict) else None
    return part if isinstance(part, dict) else {}


def amount_of(value: Any) -> float | None:
    """Return a number of credits, rounded to six decimals.

    Returns None if the value is not a number.
    """
    return round(float(value), _DECIMALS) if is_amount(value) else None


def is_amount(value: Any) -> bool:
    """Return whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
