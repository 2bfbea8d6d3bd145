"""A task is a plan: its whole timetable is decided when it is created, and reading never moves it."""

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
LAST_PROGRESS = 99  # 100 is kept for a completed task (clause `task.progress-completed`)


class Outcome(Struct, frozen=True):
    """How a task ends: well, or with a documented failure after reaching some progress (1..99)."""

    failure: TaskFailure | None = None
    reach: int = LAST_PROGRESS


SUCCESS = Outcome()


class Plan(Struct, frozen=True, gc=False):
    """The timetable of a task: instants in Unix seconds, the estimate in whole seconds.

    Pending before `starts`, running before `ends`, then what `outcome` says for ever. Either
    instant may be infinite: a task that is stuck.
    """

    created: float
    starts: float
    ends: float
    estimate: int
    outcome: Outcome

    @property
    def expires(self) -> float:
        """When the result links die."""
        return self.ends + LINK_SECONDS


class Anomalies(Struct, frozen=True, gc=False):
    """What is odd about the result and the callback of a task; `wait` is the delay of a late callback in seconds."""

    link: str = ""  # expired, 404 or truncated
    callback: str = ""  # late, twice, early or never
    wait: float = 0.0


class Task(Struct, frozen=True, gc=False):
    """A stored task. Everything but the id and the plan is shared with other tasks, so a million fit.

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
    """Decide a task's timetable. Pure: the same arguments give the same plan."""
    duration = speed.duration(draw)
    starts = created + duration * _PENDING_SHARE
    # A failure that comes at some progress comes when a success would have shown it. A whole duration is
    # added in one step, as a clock that is advanced does it: not a rounding error later.
    share = _PENDING_SHARE + (1 - _PENDING_SHARE) * (outcome.reach / LAST_PROGRESS)
    return Plan(created, starts, created + duration * share, math.ceil(duration), outcome)


def queued(plan: Plan, behind: float) -> Plan:
    """The plan begun at the instant `behind`, when that is later than its creation."""
    shift = max(0.0, behind - plan.created)
    estimate = plan.estimate if math.isinf(shift) else plan.estimate + math.ceil(shift)
    return Plan(plan.created, plan.starts + shift, plan.ends + shift, estimate, plan.outcome)


def stuck(plan: Plan, phase: Phase) -> Plan:
    """The plan that never leaves a phase."""
    starts = math.inf if phase is Phase.PENDING else plan.starts
    return Plan(plan.created, starts, math.inf, plan.estimate, plan.outcome)


def halfway(plan: Plan) -> float:
    """The instant between the start and the end; infinite where there is no end."""
    return plan.starts + (plan.ends - plan.starts) / 2 if math.isfinite(plan.ends) else math.inf


class Phase(IntEnum):
    """Where a task is in its life; the index of the document's own word in `spec.Statuses`."""

    PENDING = 0
    PROCESSING = 1
    COMPLETED = 2
    FAILED = 3


class View(Struct, frozen=True):
    """What a reader sees of a plan at one instant: progress is 0..100."""

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
    return 1 + int(share * plan.outcome.reach)  # the share is less than 1: what is reached is shown last


_PENDING = View(Phase.PENDING, 0)
_PROCESSING = [View(Phase.PROCESSING, progress) for progress in range(LAST_PROGRESS + 1)]
_COMPLETED = View(Phase.COMPLETED, 100)
_FAILED = View(Phase.FAILED, 0)
