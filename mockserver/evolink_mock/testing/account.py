"""An account of a mock, for tests: its clock, recipes, tasks, callbacks and requests.

Methods that wait or send callbacks have async variants, named `…_async`. An async variant does not block the event
loop. A test needs the async variants if its event loop runs the callback receiver.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from msgspec import Struct
from msgspec.json import decode

from evolink_mock.testing import violations
from evolink_mock.testing.clock import MockClock, call_in_thread, to_seconds
from evolink_mock.testing.control_client import ControlClient, event_loop_is_running
from evolink_mock.testing.models import (
    AccountState,
    CallbackState,
    CallbackWaitResult,
    JournalEntry,
    TaskState,
    TaskWaitResult,
    ViolationList,
)
from evolink_mock.testing.violations import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evolink_mock.testing.transport import Transport

Operation = Literal["create", "query", "media", "credits", "any"]
TaskOutcome = Literal["completed", "cancelled", "failed"]
_PAGE = 1000  # maximum number of items that one request asks for
_WAIT_SECONDS = 10.0
_MARGIN_SECONDS = 30.0  # time for the response after the timeout of a wait


class _Page(Struct):
    next: str | None


class _TaskPage(_Page):
    tasks: list[TaskState]


class _CallbackPage(_Page):
    callbacks: list[CallbackState]


class _Journal(Struct):
    entries: list[JournalEntry]


def _request_pages(control: ControlClient, path: str) -> Iterator[bytes]:
    after: str | None = ""
    while after is not None:
        raw = control.request("GET", f"{path}?limit={_PAGE}" + (f"&after={after}" if after else ""))
        yield raw
        after = decode(raw, type=_Page).next


class MockCallbacks(Sequence[CallbackState]):
    """The callbacks of the account, in the order of their tasks.

    Undelivered callbacks are included. Each access to an item requests the current list from the mock. Each call of
    `len` does the same.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def wait(self, count: int = 1, timeout: str | float = _WAIT_SECONDS) -> list[CallbackState]:
        """Wait until `count` callbacks have been delivered in total.

        Returns all callbacks delivered so far. A callback is delivered when the receiver has responded with a 2xx.
        `timeout` is real time (seconds, or text such as `2m`). Raises TimeoutError after `timeout`. Raises TimeoutError
        immediately if the clock is frozen and callbacks are missing.
        """
        seconds = to_seconds(timeout)
        body = {"count": count, "timeout": seconds}
        raw = self._control.request("POST", "/wait/callbacks", body, seconds=seconds + _MARGIN_SECONDS)
        waited = decode(raw, type=CallbackWaitResult)
        if not waited.reached:  # while the clock stands still, no callback becomes due
            delivered = f"{len(waited.callbacks)} of {count} callbacks were delivered"
            raise _timeout_error(delivered, waited.why, seconds)
        return waited.callbacks

    async def wait_async(self, count: int = 1, timeout: str | float = _WAIT_SECONDS) -> list[CallbackState]:  # noqa: ASYNC109
        """Do the same as `wait`, without blocking the event loop."""
        return await call_in_thread(self.wait, count, timeout)

    def replay(self, task_id: str) -> CallbackState:
        """Send a callback once more, immediately. The callback must have been delivered or given up before."""
        path = f"/callbacks/{task_id}/replay"
        return decode(
            self._control.request("POST", path, variant="callbacks.replay_async(…)"), type=CallbackState
        )

    async def replay_async(self, task_id: str) -> CallbackState:
        """Do the same as `replay`, without blocking the event loop."""
        return await call_in_thread(self.replay, task_id)

    @overload
    def __getitem__(self, index: int) -> CallbackState: ...
    @overload
    def __getitem__(self, index: slice) -> list[CallbackState]: ...
    def __getitem__(self, index: int | slice) -> CallbackState | list[CallbackState]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> list[CallbackState]:
        pages = _request_pages(self._control, "/callbacks")
        return [state for page in pages for state in decode(page, type=_CallbackPage).callbacks]


class ActiveRecipe:
    """A recipe assigned to the account.

    The end of a `with` block removes all recipes of the account.
    """

    def __init__(self, clear: Callable[[], None]) -> None:
        self._clear = clear

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


class MockAccount:
    """An account of a mock, isolated from all other accounts."""

    def __init__(
        self,
        base_url: str,
        token: str,
        terms: Mapping[str, Any] | None = None,
        transport: Callable[[], Transport] | None = None,
    ) -> None:
        self.base_url = base_url  # for the client under test
        self.token = token  # the API key of the client under test
        self._terms = dict(terms or {})
        self._transport = transport
        self._control = ControlClient(base_url, token)
        self._expected: list[str] = []
        self.clock = MockClock(self._control)
        self.callbacks = MockCallbacks(self._control)

    def __repr__(self) -> str:
        return f"<MockAccount at {self.base_url}>"

    def recipe(self, text: str, times: int | None = None, operation: Operation = "any") -> ActiveRecipe:
        """Assign a recipe to the next `times` requests of the account.

        If `times` is None, the recipe applies to all later requests. `operation` limits the recipe to one kind of
        request, such as `create`. To remove the recipe, call `clear_recipes`, or use the result in a `with` statement.
        Raises `ControlError` if the recipe is unknown.
        """
        assignment = {"recipe": text, "times": times, "operation": operation}
        self._control.request("POST", "/recipes", assignment)
        return ActiveRecipe(self.clear_recipes)

    def clear_recipes(self) -> None:
        """Remove all recipes assigned to the account."""
        self._control.request("DELETE", "/recipes")

    @property
    def state(self) -> AccountState:
        """The credits and limits of the account, and the time of its clock. Each access sends a request to the mock."""
        return decode(self._control.request("GET", "/account"), type=AccountState)

    @property
    def tasks(self) -> list[TaskState]:
        """The tasks of the account in order of creation.

        Each task has its current state and its timetable.
        """
        pages = _request_pages(self._control, "/tasks")
        return [state for page in pages for state in decode(page, type=_TaskPage).tasks]

    @property
    def requests(self) -> list[JournalEntry]:
        """The last 200 requests of the account with their responses.

        The requests are listed in the order in which their responses were completed.
        """
        return decode(self._control.request("GET", "/journal"), type=_Journal).entries

    def wait_for(self, task_id: str, timeout: str | float = _WAIT_SECONDS) -> TaskState:
        """Wait until a task has finished, and return its state.

        `timeout` is real time (seconds, or text such as `2m`). Raises TimeoutError after `timeout`. Raises TimeoutError
        immediately if the clock is frozen and the task is unfinished.
        """
        seconds = to_seconds(timeout)
        body = {"task_id": task_id, "timeout": seconds}
        raw = self._control.request("POST", "/wait/task", body, seconds=seconds + _MARGIN_SECONDS)
        waited = decode(raw, type=TaskWaitResult)
        if not waited.reached:
            raise _timeout_error(f"{task_id} is {waited.task.status}", waited.why, seconds)
        return waited.task

    async def wait_for_async(self, task_id: str, timeout: str | float = _WAIT_SECONDS) -> TaskState:  # noqa: ASYNC109
        """Do the same as `wait_for`, without blocking the event loop."""
        return await call_in_thread(self.wait_for, task_id, timeout)

    def finish(
        self, task_id: str, failure: str | None = None, outcome: TaskOutcome | None = None
    ) -> TaskState:
        """End a task now, so that its callback is sent. Return the state of the task.

        If `failure` is None, the task completes. If `failure` is a documented failure code, the task fails with this
        code. A name after a slash selects a message, as in `content_policy_violation/celebrity`. To cancel the task,
        set `outcome` to `cancelled`.
        """
        outcome = outcome or ("completed" if failure is None else "failed")
        path = f"/tasks/{task_id}/outcome"
        body = {"outcome": outcome, "failure": failure}
        return decode(
            self._control.request("POST", path, body, variant="account.finish_async(…)"), type=TaskState
        )

    async def finish_async(
        self, task_id: str, failure: str | None = None, outcome: TaskOutcome | None = None
    ) -> TaskState:
        """Do the same as `finish`, without blocking the event loop."""
        return await call_in_thread(self.finish, task_id, failure, outcome)

    def expire_links(self, task_id: str) -> TaskState:
        """Make the result links of a completed task expire now, without moving the clock."""
        return decode(self._control.request("POST", f"/tasks/{task_id}/expire"), type=TaskState)

    def expect_violation(self, match: str = "") -> None:
        """Expect a violation of the contract that matches `match`.

        `match` is a regular expression for any part of the text. If no matching violation occurs, `check` fails. The
        fixture `evolink_mock` calls `check` at the end of the test.
        """
        re.compile(match)
        self._expected.append(match)

    def check(self) -> None:
        """Compare the violations with the expected violations.

        Violations are mistakes of the client, such as a request with an invalid body. An error that a recipe causes is
        not a violation. An unexpected violation is ignored if its text begins with `warning:`. Raises
        `ContractViolationError` for any other unexpected violation. Raises `ContractViolationError` if an expected
        violation did not occur.
        """
        violation_list = decode(self._control.request("GET", "/violations"), type=ViolationList)
        if lines := violations.problems(violation_list, self._expected):
            raise ContractViolationError(
                "the contract was violated:\n" + "\n".join(f"  - {line}" for line in lines)
            )

    def reset(self) -> None:
        """Replace the account with a new one, and forget the expected violations.

        The new account has the original credits and limits of the old account. The new account has no tasks, callbacks,
        recipes or recorded requests.
        """
        self._expected.clear()
        self._control.request("POST", "/accounts", self._terms)

    def drop(self) -> None:
        """Delete the account from the mock."""
        self._control.request("DELETE", "/account")

    def transport(self) -> Transport:
        """Return a transport for clients of httpx2 and httpx.

        The transport calls the mock in this process, without a socket. Requests to any host reach the mock. A client
        may keep the address of the real API. Raises RuntimeError if the mock runs in another process.
        """
        if self._transport is None:
            raise RuntimeError("the mock runs in another process: use base_url")
        return self._transport()


def _timeout_error(state: str, why: str, timeout: float) -> TimeoutError:
    reason = "the clock is frozen: advance it" if why == "frozen" else f"after {timeout:g} s"
    if event_loop_is_running():
        reason += (
            " in which the event loop of this thread was blocked: await the async variant of this method"
        )
    return TimeoutError(f"{state}; {reason}")
