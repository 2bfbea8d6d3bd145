"""What the control API answers, as records: the shapes of `control.yaml`. A field that a later server adds is let pass.

Instants are Unix seconds on the account's clock.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Timetable(Struct, frozen=True):
    """When a task is made, starts, ends, and its link dies; None for never."""

    created: float
    starts: float | None
    ends: float | None
    expires: float | None


class TaskState(Struct, frozen=True):
    """A task as it is now: `status` is pending, processing, completed or failed; `body` what a query answers.

    `outcome` is how it will end, completed or failed, None for a task that never does; `code` of one that fails.
    """

    id: str
    operation: str
    model: str
    status: str
    progress: int
    timetable: Timetable
    outcome: str | None
    code: str | None
    body: dict[str, Any]


class Waited(Struct, frozen=True):
    """The end of a wait: `why` is reached, timeout or frozen."""

    reached: bool
    why: str


class WaitedForTask(Waited, frozen=True):
    """The end of a wait for a task."""

    task: TaskState


class SentRequest(Struct, frozen=True):
    """The request of a callback. What may be secret in its URL is left out."""

    method: str
    url: str
    body: dict[str, Any] | None


class CallbackAttempt(Struct, frozen=True):
    """One try: the status of the answer, or the problem when there was none."""

    at: float
    request: SentRequest
    status: int | None
    problem: str | None


class CallbackState(Struct, frozen=True):
    """The delivery of one task: `state` is owed, delivered or given up; `due` when it is attempted next."""

    task_id: str
    url: str
    state: str
    due: float | None
    attempts: tuple[CallbackAttempt, ...]


class WaitedForCallbacks(Waited, frozen=True):
    """The end of a wait for callbacks, with those that were delivered."""

    callbacks: list[CallbackState]


class Message(Struct, frozen=True):
    """Headers, and the body as it was sent, both without secrets; the body of a result file is None."""

    headers: tuple[tuple[str, str], ...]
    body: str | None


class JournalEntry(Struct, frozen=True):
    """One exchange. `violations` is what of the contract the request broke; `status` 0: nothing was answered."""

    at: float
    method: str
    path: str
    status: int
    task_id: str | None
    violations: tuple[str, ...]
    notes: tuple[str, ...]
    request: Message
    answer: Message


class Event(Struct, frozen=True):
    """What happened while the clock was moved.

    `what` is task.processing, task.completed, task.failed, link.expired or callback.attempt; the last has the
    `status` of the answer, or the `problem`.
    """

    at: float
    what: str
    task_id: str
    status: int | None = None
    problem: str | None = None


class ClockState(Struct, frozen=True):
    """What time it is; `next_due` is when the next callback falls due. `happened` after a move only."""

    now: float
    frozen: bool
    next_due: float | None = None
    happened: list[Event] = field(default_factory=list)


class AccountState(Struct, frozen=True):
    """An account: its credits, its limits, how many tasks it has created."""

    label: str
    granted: float
    used: float
    remaining: float
    rate: str | None
    denied_models: tuple[str, ...]
    tasks: int
    now: float
    frozen: bool
