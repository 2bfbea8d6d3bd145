"""The records of an account, as text for the report of a failing test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_mock.testing.account import MockAccount
    from evolink_mock.testing.models import AccountState, CallbackState, JournalEntry, TaskState

_MOST = 20  # maximum number of requests, of tasks and of callbacks that are shown


def summary(account: MockAccount) -> str:
    """Return a text with the requests, tasks, callbacks and clock of an account.

    Raises `ConnectionError` if the mock does not respond.
    """
    return format_summary(account.requests, account.tasks, list(account.callbacks), account.state)


def format_summary(
    requests: Sequence[JournalEntry],
    tasks: Sequence[TaskState],
    callbacks: Sequence[CallbackState],
    state: AccountState,
) -> str:
    """Format these requests, tasks, callbacks and clock as text.

    A long list is shortened to its latest items.
    """
    now = datetime.fromtimestamp(state.now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    clock = "stopped at" if state.frozen else "running, now"
    lines = [
        *_latest("request", [_request(entry) for entry in requests]),
        *_latest("task", [_task(task) for task in tasks]),
        *_latest("callback", [_callback(callback) for callback in callbacks]),
        f"clock: {clock} {now} UTC",
    ]
    return "\n".join(lines)


def _latest(noun: str, lines: Sequence[str]) -> Iterator[str]:
    if len(lines) > _MOST:
        yield f"{len(lines) - _MOST} earlier {noun}s are not shown"
    yield from lines[-_MOST:]


def _request(entry: JournalEntry) -> str:
    reasons = "; ".join((*entry.violations, *entry.notes))
    text = f"request: {entry.method} {entry.path} -> {entry.status or 'no response'}"
    return f"{text} ({reasons})" if reasons else text


def _task(task: TaskState) -> str:
    outcome = f", will be {task.outcome}" if task.outcome and task.status != task.outcome else ""
    failure = f": {task.failure}" if task.failure else ""
    return f"task: {task.id} is {task.status} at {task.progress} %{outcome}{failure}"


def _callback(callback: CallbackState) -> str:
    attempts = ", ".join(str(attempt.status or attempt.problem) for attempt in callback.attempts)
    return (
        f"callback: {callback.task_id} to {callback.url} is {callback.state}; attempts: {attempts or 'none'}"
    )
