"""The two kinds of response: a JSON body, and an error in the documented shape."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from evolink_mock.http import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Message, Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.http.errors import ApiError, Headers

_JSON = (b"content-type", b"application/json")


@lru_cache(maxsize=1024)
def _content_length(size: int) -> tuple[bytes, bytes]:
    """Return the `content-length` header. Responses of equal size share it, which saves memory in the journals."""
    return b"content-length", b"%d" % size


async def discard(_: Message) -> None:
    """The `send` of a caller that reads the response from the exchange instead."""


async def send_json(
    send: Send, exchange: Exchange, body: bytes, status: int = 200, headers: Headers = ()
) -> None:
    """Send a JSON body. The response to a HEAD request has only the headers."""
    exchange.status = status
    exchange.answer_body = body
    exchange.answer_headers = start = (_JSON, _content_length(len(body)), *headers)
    if send is discard:
        return
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})


async def send_error(
    send: Send, exchange: Exchange, error: ApiError, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Send an error in the documented shape, and add its reason to the notes for the log."""
    exchange.notes += tuple(filter(None, (error.detail, error.hint)))
    await send_json(send, exchange, errors.to_json(error, documented or {}), error.status, error.headers)
