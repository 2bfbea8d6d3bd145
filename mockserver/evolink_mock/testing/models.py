"""The responses of the control API as records, as described in `control.yaml`.

Unknown members are ignored. Times are Unix seconds of the account's clock.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Timetable(Struct, frozen=True):
    """The times at which a task is created, starts and ends, and at which its result links expire; None means never."""

    created: float
    starts: float | None
    ends: float | None
    expires: float | None


class TaskState(Struct, frozen=True):
    """The current state of a task.

    `status` is `"pending"`, `"processing"`, `"completed"`, `"failed"` or `"cancelled"`. `body` is what a status query
    would return. `outcome` is how the task will end or has ended (`"completed"`, `"failed"` or `"cancelled"`); None if
    the task never ends. `failure` is the failure code of a failed task, otherwise None.
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
    """The result of a wait for a condition.

    `why` is `"reached"` (the condition is true), `"timeout"`, or `"frozen"` (the account's clock does not run).
    `reached` is true if the condition is true, otherwise false.
    """

    reached: bool
    why: str


class TaskWaitResult(WaitResult, frozen=True):
    """The result of a wait for a task, with the state of the task."""

    task: TaskState


class SentRequest(Struct, frozen=True):
    """The request that the mock sent in an attempt to deliver a callback. Credentials are removed from its URL."""

    method: str
    url: str
    body: dict[str, Any] | None


class CallbackAttempt(Struct, frozen=True):
    """One attempt to deliver a callback.

    If no response arrived, `status` is None and `problem` is the reason.
    """

    at: float
    request: SentRequest
    status: int | None
    problem: str | None
    repeated: int = 0  # number of processes that died during this attempt; another process then repeated it


class CallbackState(Struct, frozen=True):
    """The callback of one task.

    `state` is `"owed"` (an attempt is planned), `"delivered"` or `"given up"`. `due` is the time of the next attempt;
    None if no attempt is planned.
    """

    task_id: str
    url: str
    state: str
    due: float | None
    attempts: tuple[CallbackAttempt, ...]


class CallbackWaitResult(WaitResult, frozen=True):
    """The result of a wait for callbacks, with all callbacks delivered so far."""

    callbacks: list[CallbackState]


class Message(Struct, frozen=True):
    """The headers and the body of a request or response, without credentials.

    `body` is None if the body is empty, or if the body is a result file.
    """

    headers: tuple[tuple[str, str], ...]
    body: str | None


class JournalEntry(Struct, frozen=True):
    """One request of the account, with its response (`answer`).

    `violations` are texts that state how the request violates the contract. `notes` are all other texts about the
    request in the access log, such as a note about its recipe. `status` is 0 if the mock sent no response.
    """

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
    """A request that violated the contract. `text` describes the violation; `status` is the status of the response."""

    at: float
    method: str
    path: str
    status: int
    text: str


class ViolationList(Struct, frozen=True):
    """The latest violations by the requests of an account.

    `dropped` is the number of earlier violations, which the mock has removed to limit memory.
    """

    violations: list[ViolationEntry]
    dropped: int = 0


class Event(Struct, frozen=True):
    """An event during a move of the clock.

    `what` is `"task.processing"`, `"task.completed"`, `"task.failed"`, `"link.expired"` or `"callback.attempt"`. If
    `what` is `"callback.attempt"`, `status` is the status of the response; if no response arrived, `problem` is the
    reason.
    """

    at: float
    what: str
    task_id: str
    status: int | None = None
    problem: str | None = None


class ClockState(Struct, frozen=True):
    """The account's clock: its time (`now`), and whether it is frozen.

    `next_due` is the time of the next attempt to deliver a callback; None if no attempt is planned. After a move of the
    clock, `happened` contains the events during the move.
    """

    now: float
    frozen: bool
    next_due: float | None = None
    happened: list[Event] = field(default_factory=list)


class AccountState(Struct, frozen=True):
    """An account: its credits, its limits, the number of its tasks, and the time of its clock."""

    label: str
    granted: float
    used: float
    remaining: float
    rate: str | None
    denied_models: tuple[str, ...]
    tasks: int
    now: float
    frozen: bool
