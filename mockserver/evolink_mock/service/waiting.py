"""Waiting for something to become true of an account, without looking again and again."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Literal

from evolink_mock.service import account_clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from evolink_mock.domain.accounts import Account
    from evolink_mock.service.service import Service

Why = Literal["reached", "timeout", "frozen"]
Reached = tuple[bool, float]  # whether it is; else when it may be by itself, Unix seconds


class Notifier:
    """Wakes who waits for news of an account. Where anonymous waits, ringing costs a look into an empty dict."""

    def __init__(self) -> None:
        self._hung: dict[str, asyncio.Event] = {}

    def subscribe(self, token: str) -> asyncio.Event:
        """The event that the next news of an account sets. Hang it before looking, so that nothing is missed."""
        return self._hung.setdefault(token, asyncio.Event())

    def notify(self, token: str) -> None:
        """Wake who waits for news of an account."""
        if self._hung and (event := self._hung.pop(token, None)) is not None:
            event.set()


async def wait(
    service: Service, account: Account, reached: Callable[[], Awaitable[Reached]], seconds: float
) -> Why:
    """Return when `reached`, else after so many real seconds.

    Else at once when the account's time is frozen and anonymous is advancing it: waiting would change nothing.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                bell = service.notifier.subscribe(account.token)
                there, instant = await reached()
                if there:
                    return "reached"
                if account_clock.is_frozen(account) and not service.times.is_moving(account):
                    return "frozen"
                await _either(service, account, bell, instant)
    except TimeoutError:
        return "timeout"


async def _either(service: Service, account: Account, bell: asyncio.Event, instant: float) -> None:
    """Wait for the bell or for an instant of the account's clock."""
    waits: list[asyncio.Task[object]] = [asyncio.create_task(bell.wait())]
    if instant < math.inf:
        clock = account.clock or service.clock
        waits.append(asyncio.create_task(clock.sleep_until(instant)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
