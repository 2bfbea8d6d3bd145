"""What every way of sending callbacks has in common."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from evolink_check import clock
from evolink_check.receiver.records import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from evolink_check.receiver.records import Callback

LATE = 0.5  # seconds beyond the time-out that are spent on this machine, not in the receiver
_PARTS = 4  # of a body that is not sent at once


class Door(Protocol):
    """Sends one callback, as EvoLink does: one attempt, no redirect followed. `framings` are those it can send."""

    framings: frozenset[str]

    async def send(self, callback: Callback, limit: float) -> Reply:
        """Send a callback, and wait for at most so many seconds for the answer. Never raises."""

    async def close(self) -> None:
        """Release what it holds."""


async def timed(answer: Callable[[], Awaitable[Reply]], limit: float) -> Reply:
    """The reply of a receiver, or one with the status 0 when it took more than `limit` seconds."""
    began = clock.now()
    try:
        async with asyncio.timeout(limit + LATE):
            return await answer()
    except TimeoutError:
        return Reply(0, began, clock.now(), problem=f"no answer in {limit:g} s", late=True)


def headers_of(callback: Callback) -> list[tuple[str, str]]:
    """The headers of a callback; a body in chunks has no length."""
    size = [] if callback.framing == "chunked" else [("content-length", str(len(callback.body)))]
    names = {name.lower() for name, _ in callback.headers}
    usual = [("content-type", "application/json"), ("user-agent", "EvoLink-Callback")]
    return [*(pair for pair in usual if pair[0] not in names), *callback.headers, *size]


async def parts_of(callback: Callback, pause: float) -> AsyncIterator[bytes]:
    """The body in the parts in which it is sent; a slow one with pauses between them."""
    if callback.framing == "plain":
        yield callback.body
        return
    for number, part in enumerate(split(callback.body)):
        if callback.framing == "slow" and number:
            await asyncio.sleep(pause)
        yield part


def split(body: bytes) -> list[bytes]:
    """A body in a few parts."""
    size = max(1, -(-len(body) // _PARTS))
    return [body[at : at + size] for at in range(0, len(body), size)]
