"""Wait for a condition of an account, such as the end of a task.

The condition is checked when the account changes. The condition is also checked at planned times, such as the end
of a task.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from evolink_mock.domain.accounts import Account
    from evolink_mock.service.account_clock import AccountClocks
    from evolink_mock.service.service import Service

Why = Literal["reached", "timeout", "frozen"]
Reached = tuple[
    bool, float
]  # whether the condition holds; if not, when it may hold without any change of the account, in Unix seconds


async def wait(
    service: Service, token: str, reached: Callable[[Account], Awaitable[Reached]], seconds: float
) -> Why:
    """Wait until the account fulfils the condition `reached`. Return why the wait ended.

    The wait takes at most `seconds` of real time. The wait ends immediately if the clock is frozen and nobody moves it.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                changed = service.notifier.subscribe(token)
                account = await service.store.account(token)
                is_reached, instant = await reached(account)
                if is_reached:
                    return "reached"
                # While the clock stands still, no task ends and no callback is sent.
                if account.frozen_at is not None and not await service.clocks.is_moving(account):
                    return "frozen"
                await _wait_for_first(changed.wait(), service.clocks, account, instant)
    except TimeoutError:
        return "timeout"


async def _wait_for_first(
    changed: Awaitable[object], clocks: AccountClocks, account: Account, instant: float
) -> None:
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(changed)]
    if instant < math.inf and account.frozen_at is None:
        waits.append(asyncio.ensure_future(clocks.sleep_until(account, instant)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiting in waits:
            waiting.cancel()
