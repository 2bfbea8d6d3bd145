"""The clock of an account, for tests, and the conversion of durations and times."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from msgspec.json import decode

from evolink_mock.domain.units import parse_duration
from evolink_mock.testing.models import ClockState, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_mock.testing.control_client import ControlClient

P = ParamSpec("P")
T = TypeVar("T")


async def call_in_thread(method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a method in a thread and await its result.

    The event loop of asyncio or trio is not blocked.
    """
    import anyio.to_thread

    return await anyio.to_thread.run_sync(partial(method, *args, **kwargs))


def to_seconds(duration: str | float) -> float:
    """Convert a duration (seconds, or text such as `25h`) to seconds. Raises ValueError for invalid text."""
    return parse_duration(duration) if isinstance(duration, str) else duration


def to_instant(time: float | datetime) -> float:
    """Convert a datetime to Unix seconds. A number is returned unchanged.

    Raises ValueError if the datetime has no time zone.
    """
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone: pass datetime(…, tzinfo=UTC), or Unix seconds")
    return time.timestamp()


class MockClock:
    """The clock of an account. A test can freeze, set or advance the clock.

    During `advance`, a callback handler cannot move the clock. A handler that tries to move the clock gets a
    `ControlError` with status 409.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def now(self) -> float:
        """Return the account's time in Unix seconds."""
        return decode(self._control.request("GET", "/clock"), type=ClockState).now

    def freeze(self) -> float:
        """Freeze the clock, and return its time in Unix seconds."""
        return decode(self._control.request("POST", "/clock/freeze"), type=ClockState).now

    # The move waits for the response of the callback handler, so a handler that moves the clock would wait for itself.
    def advance(self, seconds: str | float) -> list[Event]:
        """Freeze the clock and move it forward. Return the events in order.

        `seconds` is a number or a duration such as `500ms`, `5s`, `2m` or `24h`. The method waits until all callbacks
        that become due have been sent. If the callback receiver runs in the event loop of the test, use
        `advance_async`. Raises ValueError for an invalid duration.
        """
        return self._move("/clock/advance", {"seconds": to_seconds(seconds)}, "clock.advance_async(…)")

    async def advance_async(self, seconds: str | float) -> list[Event]:
        """Do the same as `advance`, without blocking the event loop."""
        return await call_in_thread(self.advance, seconds)

    def set(self, instant: float | datetime) -> list[Event]:
        """Move the clock forward to `instant`. Return the events that occur until then.

        `instant` is Unix seconds or a datetime. Raises `ControlError` if `instant` is in the past. Raises ValueError
        for a datetime without a time zone.
        """
        return self._move("/clock/set", {"now": to_instant(instant)}, "clock.set_async(…)")

    async def set_async(self, instant: float | datetime) -> list[Event]:
        """Do the same as `set`, without blocking the event loop."""
        return await call_in_thread(self.set, instant)

    def resume(self) -> None:
        """Let the clock run again, from the time that it shows now."""
        self._control.request("POST", "/clock/resume")

    def _move(self, path: str, body: dict[str, float], variant: str) -> list[Event]:
        return decode(self._control.request("POST", path, body, variant=variant), type=ClockState).happened
