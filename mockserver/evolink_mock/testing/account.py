"""An account of a mock in the hands of a test: its clock, its recipes, its callbacks, what it was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from msgspec.json import decode

from evolink_mock.domain.units import parse_duration
from evolink_mock.testing import violations
from evolink_mock.testing.control_client import ControlClient
from evolink_mock.testing.models import (
    AccountState,
    CallbackState,
    ClockState,
    Event,
    JournalEntry,
    TaskState,
    WaitedForCallbacks,
    WaitedForTask,
)
from evolink_mock.testing.violations import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evolink_mock.testing.transport import Transport

Operation = Literal["create", "query", "media", "credits", "any"]
_WAIT_SECONDS = 10.0
_MARGIN_SECONDS = 30.0  # that a mock may be late with the answer to a wait


class MockClock:
    """The account's time, in Unix seconds. It runs until it is frozen, set or advanced."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def now(self) -> float:
        """What time it is."""
        return decode(self._control.ask("GET", "/clock"), type=ClockState).now

    def freeze(self) -> float:
        """Stop the time where it is, which is returned."""
        return decode(self._control.ask("POST", "/clock/freeze"), type=ClockState).now

    def advance(self, by: str | float) -> list[Event]:
        """Move the time forward by seconds, or by `500ms`, `5s`, `2m`, `24h`; what happened on the way, in order.

        Returns when it has happened: callbacks with their real exchange, and their retries. The clock is frozen
        from then on. ValueError for what is no duration.
        """
        seconds = parse_duration(by) if isinstance(by, str) else by
        return self._moved("/clock/advance", {"seconds": seconds})

    def set(self, instant: float) -> list[Event]:
        """As `advance`, to an instant. `ControlError` for one that is past."""
        return self._moved("/clock/set", {"now": instant})

    def resume(self) -> None:
        """Let the time run again, from where it stands."""
        self._control.ask("POST", "/clock/resume")

    def _moved(self, path: str, body: dict[str, float]) -> list[Event]:
        return decode(self._control.ask("POST", path, body), type=ClockState).happened


class MockCallbacks(Sequence[CallbackState]):
    """The deliveries that the account owes or has made, in the order of the tasks; asked anew each time."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def wait(self, count: int = 1, timeout: float = _WAIT_SECONDS) -> list[CallbackState]:
        """Wait until so many were delivered (answered 2xx), and return those. TimeoutError says why not.

        `timeout` is in real seconds. On a frozen clock nothing comes, so `wait` is over at once: advance it.
        """
        asked = {"count": count, "timeout": timeout}
        raw = self._control.ask("POST", "/wait/callbacks", asked, seconds=timeout + _MARGIN_SECONDS)
        waited = decode(raw, type=WaitedForCallbacks)
        if not waited.reached:
            raise _too_late(
                f"{len(waited.callbacks)} of {count} callbacks were delivered", waited.why, timeout
            )
        return waited.callbacks

    def replay(self, task_id: str) -> CallbackState:
        """Attempt the delivery of a task once more, now, whatever became of it."""
        return decode(self._control.ask("POST", f"/callbacks/{task_id}/replay"), type=CallbackState)

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
        raw = self._control.ask("GET", "/callbacks")
        return decode(raw, type=dict[str, list[CallbackState]])["callbacks"]


class ActiveRecipe:
    """A recipe that stands. As a context manager it clears, at the end, all that then stands for the account."""

    def __init__(self, clear: Callable[[], None]) -> None:
        self._clear = clear

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()


class MockAccount:
    """One token's own world on a mock: nothing here is seen by, or changed by, another token.

    `base_url` is what a client is pointed at, `token` its API key.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        terms: Mapping[str, Any] | None = None,
        transport: Callable[[], Transport] | None = None,
    ) -> None:
        self.base_url = base_url
        self.token = token
        self._terms = dict(terms or {})
        self._transport = transport
        self._control = ControlClient(base_url, token)
        self._expected: list[str] = []
        self.clock = MockClock(self._control)
        self.callbacks = MockCallbacks(self._control)

    def __repr__(self) -> str:
        return f"<MockAccount at {self.base_url}>"

    def recipe(self, text: str, times: int | None = None, operation: Operation = "any") -> ActiveRecipe:
        """Have the next `times` requests follow a recipe; None: all, until `clear_recipes`.

        `operation` is whose requests those are. Used as a context manager, the recipe ends with the block.
        `ControlError` for an unknown recipe names the nearest.
        """
        order = {"recipe": text, "times": times, "operation": operation}
        self._control.ask("POST", "/recipes", order)
        return ActiveRecipe(self.clear_recipes)

    def clear_recipes(self) -> None:
        """Take back all recipes that stand."""
        self._control.ask("DELETE", "/recipes")

    @property
    def state(self) -> AccountState:
        """Its credits and limits."""
        return decode(self._control.ask("GET", "/account"), type=AccountState)

    @property
    def tasks(self) -> list[TaskState]:
        """Its tasks as they are now, in the order of creation, each with its whole timetable."""
        return decode(self._control.ask("GET", "/tasks"), type=dict[str, list[TaskState]])["tasks"]

    @property
    def requests(self) -> list[JournalEntry]:
        """The last 500 requests that its token made of the API, in the order in which they ended."""
        return decode(self._control.ask("GET", "/journal"), type=dict[str, list[JournalEntry]])["entries"]

    def wait_for(self, task_id: str, timeout: float = _WAIT_SECONDS) -> TaskState:
        """Wait until a task is over. TimeoutError after `timeout` real seconds, and at once on a frozen clock."""
        asked = {"task_id": task_id, "timeout": timeout}
        raw = self._control.ask("POST", "/wait/task", asked, seconds=timeout + _MARGIN_SECONDS)
        waited = decode(raw, type=WaitedForTask)
        if not waited.reached:
            raise _too_late(f"{task_id} is {waited.task.status}", waited.why, timeout)
        return waited.task

    def finish(self, task_id: str, failure: str | None = None) -> TaskState:
        """End a task now: completed, or failed with one of the documented codes. Its callback falls due now."""
        outcome: dict[str, Any] = {"outcome": "completed"}
        if failure is not None:
            outcome = {"outcome": "failed", "code": failure}
        return decode(self._control.ask("POST", f"/tasks/{task_id}/outcome", outcome), type=TaskState)

    def expect_violation(self, match: str = "") -> None:
        """Say that a request will break the contract, in words that the regular expression `match` is found in.

        `check`, which the fixture calls when the test is over, fails without one.
        """
        re.compile(match)
        self._expected.append(match)

    def check(self) -> None:
        """Raise `ContractViolationError` that names each request which broke the contract and was not expected to.

        So does an expected one that did not come. An error that a recipe made breaks nothing, and what the mock
        lets pass with a warning may be expected, but need not be.
        """
        entries = self.requests
        broken = violations.noted(entries)
        if refused := violations.refused_queries(entries):
            broken += violations.strangers(refused, {task.id for task in self.tasks})
        if lines := violations.problems(broken, self._expected):
            raise ContractViolationError(
                "the contract was broken:\n" + "\n".join(f"  - {line}" for line in lines)
            )

    def reset(self) -> None:
        """Begin anew on the same terms: no tasks, callbacks, recipes or journal, and nothing expected."""
        self._expected.clear()
        self._control.ask("POST", "/accounts", self._terms)

    def drop(self) -> None:
        """Let the mock forget the account: it is not needed any more."""
        self._control.ask("DELETE", "/account")

    def transport(self) -> Transport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` that reaches the mock without a socket.

        Whatever the URL: a client of the API's true address is answered by the mock. RuntimeError when the
        mock is in another process.
        """
        if self._transport is None:
            raise RuntimeError("the mock does not run in this process: use base_url")
        return self._transport()


def _too_late(what: str, why: str, timeout: float) -> TimeoutError:
    because = "the clock is frozen: advance it" if why == "frozen" else f"after {timeout:g} s"
    return TimeoutError(f"{what}; {because}")
