"""One HTTP exchange as it is being answered, and the two ways to answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.http import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.http.errors import ApiError, Headers

_JSON = (b"content-type", b"application/json")


async def send_json(
    send: Send, exchange: Exchange, body: bytes, status: int = 200, headers: Headers = ()
) -> None:
    """Send a JSON body. A HEAD request is answered with the headers alone."""
    exchange.status = status
    exchange.answer_body = body
    exchange.answer_headers = start = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})


async def send_error(
    send: Send, exchange: Exchange, fault: ApiError, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Send a fault in the documented shape, and note why for the log."""
    exchange.notes += tuple(filter(None, (fault.detail, fault.hint)))
    await send_json(send, exchange, errors.body(fault, documented or {}), fault.status, fault.headers)
