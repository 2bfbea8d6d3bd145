"""Tasks and their timetables.

A task's timetable is fixed at its creation. The timetable says when the task starts and ends, and whether it fails. A
status query computes the task's present state from the timetable.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

from evolink_spec import TaskFailure  # noqa: TC002  (stores decode by the annotations)
from msgspec import Struct

if TYPE_CHECKING:
    from evolink_spec import CreateOperation

    from evolink_mock.domain.units import Speed
    from evolink_mock.media.spec import MediaSpec

LINK_SECONDS = 24 * 3600.0  # clause `link.24h`
_PENDING_SHARE = 0.1  # of the whole duration
LAST_PROGRESS = 99  # 100 is reserved for a completed task (clause `task.progress-completed`)


class Outcome(Struct, frozen=True, omit_defaults=True):
    """How a task ends.

    A cancelled task gets the status that the OpenAPI document has for cancelled tasks. If the document has none, the
    task gets the status for failed tasks.
    """

    failure: TaskFailure | None = None  # the error with which the task fails; None if it completes
    reach: int = LAST_PROGRESS  # the highest progress (1 to 99) that the task shows before it ends
    is_cancelled: bool = False


SUCCESS = Outcome()


class Timetable(Struct, frozen=True, omit_defaults=True, gc=False):
    """When a task starts and ends, in Unix seconds, and how it ends.

    The task is pending before `starts`, processing before `ends`, and afterwards completed or failed. If `starts` is
    infinite, the task stays pending for ever. If `starts` is finite and `ends` is infinite, the task stays in
    processing.
    """

    created: float
    starts: float
    ends: float
    estimate: int  # the task's `estimated_time`, in whole seconds
    outcome: Outcome
    link_seconds: float = LINK_SECONDS  # how long the result links are valid after the end

    @property
    def expires(self) -> float:
        """The time at which the result links expire, in Unix seconds."""
        return self.ends + self.link_seconds


class Anomalies(Struct, frozen=True, omit_defaults=True, gc=False):
    """Faults that a recipe requests for a task.

    Examples are expired result links and a late callback.
    """

    link: str = ""  # fault of result links: expired, 404, truncated, page (HTML, no video), empty or redirect
    callback: str = ""  # late, twice, early or never
    callback_delay: float = 0.0  # in seconds, if the callback is late
    is_forgotten: bool = False  # whether status queries get a 404 after the end of the task


class Results(Struct, frozen=True, gc=False):
    """The number and the price of a task's results."""

    count: int
    reserved: float  # credits reserved at the creation of the task
    settled: float  # credits charged on completion


class Task(Struct, frozen=True, gc=False):
    """A stored task."""

    # Similar tasks share the objects of all other fields than `id` and `timetable`, to save memory.
    id: str
    account: str  # the token with which the task was created
    operation: CreateOperation
    model: str
    media: MediaSpec
    origin: str  # the scheme and host with which the result links begin
    timetable: Timetable
    anomalies: Anomalies | None = None
    results: Results | None = None  # None if number and price are as in the OpenAPI document's example


def new_timetable(created: float, random: int, speed: Speed, outcome: Outcome = SUCCESS) -> Timetable:
    """Return the timetable of a new task.

    `speed` is the range of possible durations. The pseudo-random number `random` determines which duration from this
    range the task has.
    """
    duration = speed.duration(random)
    starts = created + duration * _PENDING_SHARE
    # A task fails when a successful task would show the progress `reach`. The duration is added to `created` in one
    # addition, as for an advanced clock, so that the end is not later by a rounding error.
    share = _PENDING_SHARE + (1 - _PENDING_SHARE) * (outcome.reach / LAST_PROGRESS)
    return Timetable(created, starts, created + duration * share, math.ceil(duration), outcome)


def queued(timetable: Timetable, queue_end: float) -> Timetable:
    """Return the timetable of a task that waits for the account's earlier tasks.

    The earlier tasks end at `queue_end`. The waiting time is added to the start, the end and the estimate.
    """
    shift = max(0.0, queue_end - timetable.created)
    estimate = timetable.estimate if math.isinf(shift) else timetable.estimate + math.ceil(shift)
    return Timetable(
        timetable.created, timetable.starts + shift, timetable.ends + shift, estimate, timetable.outcome
    )


def stuck(timetable: Timetable, phase: Phase) -> Timetable:
    """Return the timetable of a task that stays in the phase `phase` for ever."""
    starts = math.inf if phase is Phase.PENDING else timetable.starts
    return Timetable(timetable.created, starts, math.inf, timetable.estimate, timetable.outcome)


def halfway(timetable: Timetable) -> float:
    """Return the time halfway between the start and the end of processing.

    The time is infinite if the task never ends.
    """
    return (
        timetable.starts + (timetable.ends - timetable.starts) / 2
        if math.isfinite(timetable.ends)
        else math.inf
    )


class Phase(IntEnum):
    """The mock's own names for the states of a task.

    `CreateOperation.statuses[phase]` is the `status` that the OpenAPI document has for a phase.
    """

    PENDING = 0
    PROCESSING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4


class View(Struct, frozen=True):
    """The state of a task at a given time."""

    phase: Phase
    progress: int  # 0 to 100


def view(timetable: Timetable, now: float) -> View:
    """Return the phase and the progress of a task at `now`.

    The progress of a pending task is 0. During processing, the progress rises from 1 to at most 99. The progress of a
    completed task is 100. The progress of a failed or cancelled task is 0. The clause `task.progress-monotone` allows
    this decrease.

    The sequence of phases follows the clauses `task.status-order` and `task.final`.
    """
    if now >= timetable.ends:
        outcome = timetable.outcome
        return _COMPLETED if outcome.failure is None else _CANCELLED if outcome.is_cancelled else _FAILED
    if now < timetable.starts:
        return _PENDING
    return _PROCESSING[_progress(timetable, now)]


def _progress(timetable: Timetable, now: float) -> int:
    share = (now - timetable.starts) / (timetable.ends - timetable.starts)
    return 1 + int(share * timetable.outcome.reach)  # `share` is below 1, so the result is at most `reach`


_PENDING = View(Phase.PENDING, 0)
_PROCESSING = [View(Phase.PROCESSING, progress) for progress in range(LAST_PROGRESS + 1)]
_COMPLETED = View(Phase.COMPLETED, 100)
_FAILED = View(Phase.FAILED, 0)
_CANCELLED = View(Phase.CANCELLED, 0)
