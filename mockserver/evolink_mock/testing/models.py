"""The responses of the control API as records, as described in `control.yaml`.

Unknown members are ignored. Times are Unix seconds of the account's clock.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Timetable(Struct, frozen=True):
    """The times of a task. None means never."""

    created: float
    starts: float | None
    ends: float | None
    expires: float | None  # the expiry of the result links


class TaskState(Struct, frozen=True):
    """The current state of a task."""

    id: str
    operation: str
    model: str
    status: str  # pending, processing, completed, failed or cancelled
    progress: int
    timetable: Timetable
    outcome: str | None  # the last status (completed, failed or cancelled); None if the task never ends
    failure: str | None  # the failure code of a failed task
    body: dict[str, Any]  # the response of a status query


class WaitResult(Struct, frozen=True):
    """The result of a wait for a condition."""

    reached: bool  # whether the condition is true
    why: str  # reached, timeout or frozen (the account's clock is frozen)


class TaskWaitResult(WaitResult, frozen=True):
    """The result of a wait for a task, with the state of the task."""

    task: TaskState


class SentRequest(Struct, frozen=True):
    """The request that the mock sent in an attempt to deliver a callback. Credentials are removed from its URL."""

    method: str
    url: str
    body: dict[str, Any] | None


class CallbackAttempt(Struct, frozen=True):
    """One attempt to deliver a callback."""

    at: float
    request: SentRequest
    status: int | None  # None if no response arrived
    problem: str | None  # the reason if no response arrived
    repeated: int = 0  # number of processes that died during this attempt; another process then repeated it


class CallbackState(Struct, frozen=True):
    """The callback of one task."""

    task_id: str
    url: str
    state: str  # owed (an attempt is planned), delivered or given up
    due: float | None  # the time of the next attempt; None if no attempt is planned
    attempts: tuple[CallbackAttempt, ...]


class CallbackWaitResult(WaitResult, frozen=True):
    """The result of a wait for callbacks, with all callbacks delivered so far."""

    callbacks: list[CallbackState]


class Message(Struct, frozen=True):
    """The headers and the body of a request or response, without credentials."""

    headers: tuple[tuple[str, str], ...]
    body: str | None  # None for an empty body or a result file


class JournalEntry(Struct, frozen=True):
    """One request of the account, with its response."""

    at: float
    method: str
    path: str
    status: int  # 0 if the mock sent no response
    task_id: str | None
    violations: tuple[str, ...]  # how the request violates the contract
    notes: tuple[str, ...]  # texts about the request in the access log, without the violations
    request: Message
    answer: Message  # the response


class ViolationEntry(Struct, frozen=True):
    """A request that violated the contract."""

    at: float
    method: str
    path: str
    status: int  # of the response
    text: str  # how the request violates the contract


class ViolationList(Struct, frozen=True):
    """The latest violations by the requests of an account."""

    violations: list[ViolationEntry]
    dropped: int = 0  # number of earlier violations, removed to limit memory


class Event(Struct, frozen=True):
    """An event that occurred while `advance` or `set` moved the clock, such as the end of a task."""

    at: float
    what: str  # task.processing, task.completed, task.failed, link.expired or callback.attempt
    task_id: str
    status: int | None = None  # of the response to a callback
    problem: str | None = None  # the reason why a callback got no response


class ClockState(Struct, frozen=True):
    """The account's clock."""

    now: float
    frozen: bool
    next_due: float | None = None  # the time of the next callback attempt; None if no attempt is planned
    # The events that occurred while `advance` or `set` moved the clock.
    happened: list[Event] = field(default_factory=list)


class AccountState(Struct, frozen=True):
    """An account, with its credits, its limits and the time of its clock."""

    label: str
    granted: float
    used: float
    remaining: float
    rate: str | None
    denied_models: tuple[str, ...]
    tasks: int  # number of tasks
    now: float
    frozen: bool
