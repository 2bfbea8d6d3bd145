"""Tasks and their timetables. A timetable is decided when the task is created; a status query does not change it."""

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
    """The end of a task, which either completes or fails with an error.

    `reach` is the progress (1 to 99) that the task shows before it fails. If `is_cancelled`, the task ends with the
    OpenAPI document's status for cancelled tasks, or, if there is none, with the status for failed tasks.
    """

    failure: TaskFailure | None = None
    reach: int = LAST_PROGRESS
    is_cancelled: bool = False


SUCCESS = Outcome()


class Timetable(Struct, frozen=True, omit_defaults=True, gc=False):
    """The timetable of a task. Times are Unix seconds; the estimate is a number of whole seconds.

    A task is pending before `starts`, processing before `ends`, and afterwards completed or failed. If `starts` is
    infinite, the task is pending for ever; if only `ends` is infinite, the task never leaves processing.
    """

    created: float
    starts: float
    ends: float
    estimate: int
    outcome: Outcome
    link_seconds: float = LINK_SECONDS

    @property
    def expires(self) -> float:
        """The time at which the result links expire, in Unix seconds."""
        return self.ends + self.link_seconds


class Anomalies(Struct, frozen=True, omit_defaults=True, gc=False):
    """Unusual behaviour that a recipe gives a task: in its result links, in its callback, and after its end."""

    link: str = ""  # expired, 404, truncated, page, empty or redirect
    callback: str = ""  # late, twice, early or never
    callback_delay: float = 0.0  # in seconds, if the callback is late
    is_forgotten: bool = False  # whether queries after its end find no task


class Results(Struct, frozen=True, gc=False):
    """The number of results of a task, the credits reserved for it, and the credits charged when it completes."""

    count: int
    reserved: float
    settled: float


class Task(Struct, frozen=True, gc=False):
    """A stored task. To save memory, tasks share all their objects except for the id and the timetable.

    `account` is the token that created the task. `origin` is the scheme and host with which its result links begin.
    `results` is None if the number of results and the price are those of the document's example.
    """

    id: str
    account: str
    operation: CreateOperation
    model: str
    media: MediaSpec
    origin: str
    timetable: Timetable
    anomalies: Anomalies | None = None
    results: Results | None = None


def new_timetable(created: float, random: int, speed: Speed, outcome: Outcome = SUCCESS) -> Timetable:
    """Return the timetable of a new task. Equal arguments give equal timetables."""
    duration = speed.duration(random)
    starts = created + duration * _PENDING_SHARE
    # A task fails when a successful task would show the progress `reach`. The duration is added to `created` in one
    # addition, as for an advanced clock, so that the end is not later by a rounding error.
    share = _PENDING_SHARE + (1 - _PENDING_SHARE) * (outcome.reach / LAST_PROGRESS)
    return Timetable(created, starts, created + duration * share, math.ceil(duration), outcome)


def queued(timetable: Timetable, queue_end: float) -> Timetable:
    """Return the timetable, delayed until `queue_end` if that is after the creation of the task."""
    shift = max(0.0, queue_end - timetable.created)
    estimate = timetable.estimate if math.isinf(shift) else timetable.estimate + math.ceil(shift)
    return Timetable(
        timetable.created, timetable.starts + shift, timetable.ends + shift, estimate, timetable.outcome
    )


def stuck(timetable: Timetable, phase: Phase) -> Timetable:
    """Return the timetable of a task that never leaves `phase`."""
    starts = math.inf if phase is Phase.PENDING else timetable.starts
    return Timetable(timetable.created, starts, math.inf, timetable.estimate, timetable.outcome)


def halfway(timetable: Timetable) -> float:
    """Return the time halfway between the start and the end of processing; infinite if the task never ends."""
    return (
        timetable.starts + (timetable.ends - timetable.starts) / 2
        if math.isfinite(timetable.ends)
        else math.inf
    )


class Phase(IntEnum):
    """The phase of a task. The value of a phase is the index of its status in the `Statuses` of an OpenAPI document."""

    PENDING = 0
    PROCESSING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4


class View(Struct, frozen=True):
    """The phase and the progress of a task at a given time. Progress is 0 to 100."""

    phase: Phase
    progress: int


def view(timetable: Timetable, now: float) -> View:
    """Return the phase and the progress of a task at `now`.

    Progress is 0 in a pending task, rises from 1 to 99 during processing, and is 100 in a completed and 0 in a failed
    task (clauses `task.status-order`, `task.progress-monotone` and `task.final`).
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
