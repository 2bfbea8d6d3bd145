"""A task is a plan: its whole timetable is decided at its creation, and reading it changes nothing."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from evolink_spec import CreateOperation, TaskFailure

    from evolink_mock.domain.units import Speed
    from evolink_mock.media.spec import MediaSpec

LINK_SECONDS = 24 * 3600.0  # clause `link.24h`
_PENDING_SHARE = 0.1  # of the whole duration
LAST_PROGRESS = 99  # 100 is reserved for a completed task (clause `task.progress-completed`)


class Outcome(Struct, frozen=True):
    """How a task ends: it completes, or fails with a documented error after reaching some progress (1..99)."""

    failure: TaskFailure | None = None
    reach: int = LAST_PROGRESS


SUCCESS = Outcome()


class Plan(Struct, frozen=True, gc=False):
    """The timetable of a task: instants in Unix seconds, the estimate in whole seconds.

    Pending before `starts`, processing before `ends`, then completed or failed for good. Either instant may be
    infinite: the task is stuck.
    """

    created: float
    starts: float
    ends: float
    estimate: int
    outcome: Outcome

    @property
    def expires(self) -> float:
        """When the result links expire."""
        return self.ends + LINK_SECONDS


class Anomalies(Struct, frozen=True, gc=False):
    """Anomalies of the result link and the callback of a task."""

    link: str = ""  # expired, 404 or truncated
    callback: str = ""  # late, twice, early or never
    callback_delay: float = 0.0  # seconds, of a late callback


class Task(Struct, frozen=True, gc=False):
    """A stored task. All but the id and the plan is shared between tasks, so that a million fit into memory.

    `account` is the token that created it, `origin` the scheme and host its result link begins with.
    """

    id: str
    account: str
    operation: CreateOperation
    model: str
    media: MediaSpec
    origin: str
    plan: Plan
    anomalies: Anomalies | None = None


def plan(created: float, draw: int, speed: Speed, outcome: Outcome = SUCCESS) -> Plan:
    """Decide a task's timetable; the same arguments give the same plan."""
    duration = speed.duration(draw)
    starts = created + duration * _PENDING_SHARE
    # A failure at some progress comes when a success would have shown that progress. The whole duration is added
    # in one step, as an advanced clock does it, so that the end is not a rounding error later.
    share = _PENDING_SHARE + (1 - _PENDING_SHARE) * (outcome.reach / LAST_PROGRESS)
    return Plan(created, starts, created + duration * share, math.ceil(duration), outcome)


def queued(plan: Plan, queue_end: float) -> Plan:
    """The plan, delayed until the instant `queue_end` when that is after its creation."""
    shift = max(0.0, queue_end - plan.created)
    estimate = plan.estimate if math.isinf(shift) else plan.estimate + math.ceil(shift)
    return Plan(plan.created, plan.starts + shift, plan.ends + shift, estimate, plan.outcome)


def stuck(plan: Plan, phase: Phase) -> Plan:
    """The plan that never leaves a phase."""
    starts = math.inf if phase is Phase.PENDING else plan.starts
    return Plan(plan.created, starts, math.inf, plan.estimate, plan.outcome)


def halfway(plan: Plan) -> float:
    """The instant halfway between start and end; infinite when there is no end."""
    return plan.starts + (plan.ends - plan.starts) / 2 if math.isfinite(plan.ends) else math.inf


class Phase(IntEnum):
    """The phase of a task; also the index of the document's word for it in `Statuses`."""

    PENDING = 0
    PROCESSING = 1
    COMPLETED = 2
    FAILED = 3


class View(Struct, frozen=True):
    """The state of a plan at one instant: progress is 0..100."""

    phase: Phase
    progress: int


def view(plan: Plan, now: float) -> View:
    """The state of a plan at `now`: pending 0, processing 1..99 never falling, completed 100 or failed 0.

    Clauses `task.status-order`, `task.progress-monotone`, `task.final`.
    """
    if now >= plan.ends:
        return _FAILED if plan.outcome.failure else _COMPLETED
    if now < plan.starts:
        return _PENDING
    return _PROCESSING[_progress(plan, now)]


def _progress(plan: Plan, now: float) -> int:
    share = (now - plan.starts) / (plan.ends - plan.starts)
    return 1 + int(share * plan.outcome.reach)  # the share is below 1, so the last value shown is `reach`


_PENDING = View(Phase.PENDING, 0)
_PROCESSING = [View(Phase.PROCESSING, progress) for progress in range(LAST_PROGRESS + 1)]
_COMPLETED = View(Phase.COMPLETED, 100)
_FAILED = View(Phase.FAILED, 0)
