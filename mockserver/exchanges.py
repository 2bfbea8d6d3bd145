"""One HTTP exchange as it is being answered, and the two ways to answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver import faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Send

    from mockserver.faults import Fault, Headers
    from spec import ErrorAnswer

KEY = "mockserver.exchange"  # where the exchange stands in the ASGI scope
_JSON = (b"content-type", b"application/json")


class Exchange(Struct):
    """What the log tells of a request. No token, no query string, no body ever enters it."""

    method: str
    path: str
    began: float  # of the stopwatch
    status: int = 0  # 0: nothing was answered
    account: str = ""
    task_id: str = ""
    notes: tuple[str, ...] = ()


async def answer(
    send: Send, exchange: Exchange, body: bytes, status: int = 200, headers: Headers = ()
) -> None:
    """Send a JSON body. A HEAD request is answered with the headers alone."""
    exchange.status = status
    start = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})


async def refuse(
    send: Send, exchange: Exchange, fault: Fault, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Send a fault in the documented shape, and note why for the log."""
    exchange.notes += tuple(filter(None, (fault.detail, fault.hint)))
    await answer(send, exchange, faults.body(fault, documented or {}), fault.status, fault.headers)
