"""The interface of callback senders, and their shared functions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from evolink_check import clock
from evolink_check.receiver.records import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from evolink_check.receiver.records import Callback

LATE = 0.5  # seconds added to a time limit, for delays that the receiver does not cause
_PARTS = 4  # the number of parts of a body that is not sent at once


class CallbackSender(Protocol):
    """Sends callbacks to a receiver.

    Like EvoLink, a sender does not follow redirects. `framings` are the ways in which this sender can send a body.
    """

    # `plain`: at once. `chunked`: with the chunked transfer coding. `slow`: in parts with pauses between them.
    framings: frozenset[str]

    async def send(self, callback: Callback, limit: float) -> Reply:
        """Send a callback, and wait at most `limit` seconds for the response.

        Never raises an exception.
        """

    async def close(self) -> None:
        """Release connections and threads."""


async def timed(answer: Callable[[], Awaitable[Reply]], limit: float) -> Reply:
    """Call `answer`, which sends a callback, and return the reply of the receiver.

    If no reply arrives in time, the returned `Reply` has the status 0. The time limit is `limit` seconds, plus `LATE`
    for delays that the receiver does not cause.
    """
    began = clock.now()
    try:
        async with asyncio.timeout(limit + LATE):
            return await answer()
    except TimeoutError:
        return Reply(0, began, clock.now(), problem=f"no answer in {limit:g} s", late=True)


def headers_of(callback: Callback) -> list[tuple[str, str]]:
    """Return the headers of a callback.

    Content-Length is left out if the body is sent in chunks.
    """
    size = [] if callback.framing == "chunked" else [("content-length", str(len(callback.body)))]
    names = {name.lower() for name, _ in callback.headers}
    usual = [("content-type", "application/json"), ("user-agent", "EvoLink-Callback")]
    return [*(pair for pair in usual if pair[0] not in names), *callback.headers, *size]


async def parts_of(callback: Callback, pause: float) -> AsyncIterator[bytes]:
    """Yield the parts in which a body is sent.

    With the framing "slow", there are pauses of `pause` seconds between the parts.
    """
    if callback.framing == "plain":
        yield callback.body
        return
    for number, part in enumerate(split(callback.body)):
        if callback.framing == "slow" and number:
            await asyncio.sleep(pause)
        yield part


def split(body: bytes) -> list[bytes]:
    """Split a body into at most `_PARTS` parts."""
    size = max(1, -(-len(body) // _PARTS))
    return [body[at : at + size] for at in range(0, len(body), size)]
