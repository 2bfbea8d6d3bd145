"""The clock of an account, and helpers for the methods of the clock and the account."""

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
    """Call a method in a thread, so that the event loop of asyncio or trio is not blocked."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(partial(method, *args, **kwargs))


def to_seconds(duration: str | float) -> float:
    """Return a number of seconds, or parse a duration such as `25h`. Raises ValueError for an invalid text."""
    return parse_duration(duration) if isinstance(duration, str) else duration


def to_instant(time: float | datetime) -> float:
    """Return Unix seconds. Raises ValueError for a datetime without a time zone."""
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone: pass datetime(…, tzinfo=UTC), or Unix seconds")
    return time.timestamp()


class MockClock:
    """The account's time, in Unix seconds. It runs until it is frozen, set or advanced.

    Do not move it in a callback handler. The move would wait for that handler, so the mock refuses it with a
    `ControlError` (409).
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def now(self) -> float:
        """Return the account's time."""
        return decode(self._control.request("GET", "/clock"), type=ClockState).now

    def freeze(self) -> float:
        """Freeze the time, and return it."""
        return decode(self._control.request("POST", "/clock/freeze"), type=ClockState).now

    def advance(self, seconds: str | float) -> list[Event]:
        """Move the time forward by seconds, or by `500ms`, `5s`, `2m`, `24h`. Returns the events in order.

        It returns when all callbacks and retries have been sent, so their receiver must run in another thread. If the
        receiver runs in the test's event loop, use `advance_async`. The clock stays frozen. Raises ValueError for an
        invalid duration.
        """
        return self._move("/clock/advance", {"seconds": to_seconds(seconds)}, "clock.advance_async(…)")

    async def advance_async(self, seconds: str | float) -> list[Event]:
        """Like `advance`, but without blocking the event loop."""
        return await call_in_thread(self.advance, seconds)

    def set(self, instant: float | datetime) -> list[Event]:
        """Like `advance`, but to a given time: Unix seconds, or a datetime with a time zone.

        Raises `ControlError` if it is in the past, and ValueError for a datetime without a time zone.
        """
        return self._move("/clock/set", {"now": to_instant(instant)}, "clock.set_async(…)")

    async def set_async(self, instant: float | datetime) -> list[Event]:
        """Like `set`, but without blocking the event loop."""
        return await call_in_thread(self.set, instant)

    def resume(self) -> None:
        """Let the time run on from where it stopped."""
        self._control.request("POST", "/clock/resume")

    def _move(self, path: str, body: dict[str, float], variant: str) -> list[Event]:
        return decode(self._control.request("POST", path, body, variant=variant), type=ClockState).happened
