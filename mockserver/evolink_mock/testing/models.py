"""The responses of the control API as records, as `control.yaml` describes them. Unknown fields are ignored.

Instants are Unix seconds of the account's clock.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Timetable(Struct, frozen=True):
    """The instants at which a task is created, starts, ends, and its result link expires; None means never."""

    created: float
    starts: float | None
    ends: float | None
    expires: float | None


class TaskState(Struct, frozen=True):
    """A task as it is now: `status` is pending, processing, completed or failed; `body` is the response to a query.

    `outcome` is how the task ends, even before it has: completed or failed; None if it never ends. `failure` is
    the code of a failed task.
    """

    id: str
    operation: str
    model: str
    status: str
    progress: int
    timetable: Timetable
    outcome: str | None
    failure: str | None
    body: dict[str, Any]


class WaitResult(Struct, frozen=True):
    """The result of a wait: `why` is reached, timeout or frozen."""

    reached: bool
    why: str


class TaskWaitResult(WaitResult, frozen=True):
    """The result of a wait for a task."""

    task: TaskState


class SentRequest(Struct, frozen=True):
    """The request of a callback, its URL without credentials."""

    method: str
    url: str
    body: dict[str, Any] | None


class CallbackAttempt(Struct, frozen=True):
    """One attempt: the status of the response, or the problem if there was no response."""

    at: float
    request: SentRequest
    status: int | None
    problem: str | None
    repeated: int = 0  # how often a process was killed while it made this attempt


class CallbackState(Struct, frozen=True):
    """The callback of one task: `state` is owed, delivered or given up; `due` is the instant of the next attempt."""

    task_id: str
    url: str
    state: str
    due: float | None
    attempts: tuple[CallbackAttempt, ...]


class CallbackWaitResult(WaitResult, frozen=True):
    """The result of a wait for callbacks, with the delivered callbacks."""

    callbacks: list[CallbackState]


class Message(Struct, frozen=True):
    """Headers, and the body as it was sent, both without credentials; the body of a result file is None."""

    headers: tuple[tuple[str, str], ...]
    body: str | None


class JournalEntry(Struct, frozen=True):
    """One exchange. `violations` are those of the request; `status` 0 means that no response was sent."""

    at: float
    method: str
    path: str
    status: int
    task_id: str | None
    violations: tuple[str, ...]
    notes: tuple[str, ...]
    request: Message
    answer: Message


class ViolationEntry(Struct, frozen=True):
    """A violation of the contract by a request; `text` describes it."""

    at: float
    method: str
    path: str
    status: int
    text: str


class ViolationList(Struct, frozen=True):
    """The violations of an account; `dropped` is the number of earlier ones that are no longer stored."""

    violations: list[ViolationEntry]
    dropped: int = 0


class Event(Struct, frozen=True):
    """An event while the clock was moved.

    `what` is task.processing, task.completed, task.failed, link.expired or callback.attempt; the last has the
    `status` of the response, or the `problem`.
    """

    at: float
    what: str
    task_id: str
    status: int | None = None
    problem: str | None = None


class ClockState(Struct, frozen=True):
    """The time; `next_due` is the instant of the next callback. `happened` lists the events of a move of the clock."""

    now: float
    frozen: bool
    next_due: float | None = None
    happened: list[Event] = field(default_factory=list)


class AccountState(Struct, frozen=True):
    """An account: its credits, its limits, the number of tasks it has created."""

    label: str
    granted: float
    used: float
    remaining: float
    rate: str | None
    denied_models: tuple[str, ...]
    tasks: int
    now: float
    frozen: bool
