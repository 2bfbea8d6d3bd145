"""Send new exchanges as server-sent events, as JSON or as table rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from msgspec.json import encode

from evolink_mock.control import journal_json
from evolink_mock.domain.clock import sleep
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.connection import TRANSPORT

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.exchange_feed import ExchangeFeed, Numbered

# `encode(exchanges, missed)` encodes a batch. `missed` is how many exchanges after the previous batch are no longer
# stored. The result is empty if there is nothing to send.
Encode = Callable[["Sequence[Numbered]", int], bytes]
_BATCH_SECONDS = 0.25  # between two batches, so that even many requests take little time per client
_HEARTBEAT_SECONDS = 15.0  # after this time without events, a comment keeps proxies from disconnecting
_WRITE_SECONDS = 10.0  # time for a client to read a batch; a slower client is disconnected
_TOO_SLOW = "the client was disconnected because it did not read the events in time"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def stream(  # noqa: PLR0913, PLR0917  (those of ASGI, and what is sent)
    scope: Scope,
    receive: Receive,
    send: Send,
    feed: ExchangeFeed,
    encode_batch: Encode,
    cleared: bytes = b"",
) -> None:
    """Send exchanges as server-sent events until the client disconnects.

    The request may state the number of the last exchange that the client has. All stored exchanges after this number
    are then sent. Without this number, the stream begins with the next exchange. A client that reads too slowly is
    disconnected, and can connect again.

    `cleared` is an event that tells the client to remove the shown exchanges. The event is sent when the feed is
    cleared. If `cleared` is empty, no event is sent.
    """
    exchange: Exchange = scope[SCOPE_KEY]
    exchange.status = 200
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    sending = asyncio.create_task(
        _send_batches(send, feed, encode_batch, _last_received(scope, feed), cleared)
    )
    gone = asyncio.create_task(_until_disconnect(receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await _disconnect_slow_client(sending, exchange, scope, gone)
    finally:
        sending.cancel()
        gone.cancel()


async def _disconnect_slow_client(
    sending: asyncio.Task[None], exchange: Exchange, scope: Scope, gone: asyncio.Task[None]
) -> None:
    if not isinstance(sending.exception(), TimeoutError):  # a TimeoutError means that the client is too slow
        sending.result()  # raises the exception
    exchange.notes += (_TOO_SLOW,)
    if (transport := scope.get(TRANSPORT)) is not None:
        transport.abort()  # `close` would wait until the client has read everything
        await gone


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_batches(
    send: Send, feed: ExchangeFeed, encode_batch: Encode, number: int, cleared: bytes
) -> None:
    clearings = feed.clearings
    await _write(send, b"retry: 1000\n\n")
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await feed.wait(number, clearings)
        except TimeoutError:
            await _write(send, b": still here\n\n")
            continue
        items, missed = feed.after(number)
        was_cleared = feed.clearings > clearings or number < feed.last_cleared
        number, clearings = feed.last, feed.clearings
        batch = encode_batch(items, missed)
        if was_cleared and cleared:
            batch = cleared + encode_batch(feed.shown(), 0)
        if batch:
            await _write(send, batch)
        await sleep(_BATCH_SECONDS)


async def _write(send: Send, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_SECONDS):
        await send({"type": "http.response.body", "body": data, "more_body": True})


def _last_received(scope: Scope, feed: ExchangeFeed) -> int:
    last = next((value for name, value in scope["headers"] if name == b"last-event-id"), b"")
    query = dict(parse_qsl(scope.get("query_string", b"")))
    text = last or query.get(b"after", b"")
    number = int(text) if text.isdigit() and len(text) <= len(str(feed.last)) else feed.last
    return min(number, feed.last)


def event(kind: str, data: bytes, number: int | None = None) -> bytes:
    """Encode one event in the format of `text/event-stream`."""
    lines = b"".join(b"data: %b\n" % line for line in data.splitlines() or [b""])
    identifier = b"" if number is None else b"id: %d\n" % number
    return b"event: %b\n%b%b\n" % (kind.encode(), identifier, lines)


def json_events(selected: Callable[[Exchange], bool]) -> Encode:
    """Return a function that encodes the exchanges that `selected` accepts.

    Each exchange becomes an event named `exchange`. If exchanges since the previous batch are no longer stored, the
    first event is named `missed`. The event `missed` contains the number of these exchanges.
    """

    def encode_batch(items: Sequence[Numbered], missed: int) -> bytes:
        gap = event("missed", b"%d" % missed) if missed else b""
        chosen = [item for item in items if selected(item.exchange)]
        return gap + b"".join(event("exchange", _json(item), item.number) for item in chosen)

    return encode_batch


def _json(item: Numbered) -> bytes:
    exchange = item.exchange
    entry = journal_json.entry(exchange, journal_json.redactor_of((exchange,)))
    return encode({"number": item.number, "account": exchange.account or None, **entry})
