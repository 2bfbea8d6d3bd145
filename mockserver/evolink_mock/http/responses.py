"""Fill in and send responses: a JSON body, or a documented error."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from evolink_mock.http import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.http.errors import ApiError, Headers

_JSON = (b"content-type", b"application/json")


@lru_cache(maxsize=1024)
def _json_headers(size: int) -> Headers:
    # The cache saves memory: responses of the same size in the journals share one object.
    return _JSON, (b"content-length", b"%d" % size)


def set_json(exchange: Exchange, body: bytes, status: int = 200, headers: Headers = ()) -> None:
    """Fill in the exchange with a JSON response."""
    exchange.status = status
    exchange.answer_body = body
    shared = _json_headers(len(body))
    exchange.answer_headers = (*shared, *headers) if headers else shared


def set_error(
    exchange: Exchange, error: ApiError, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Fill in the exchange with an error in the documented shape.

    The reason of the error is added to the notes for the log.
    """
    if error.detail:
        exchange.notes += (error.detail,)
    if error.hint:
        exchange.notes += (error.hint,)
    set_json(exchange, errors.to_json(error, documented or {}), error.status, error.headers)


async def send_response(send: Send, exchange: Exchange) -> None:
    """Send the response in the exchange. A HEAD request gets no body."""
    start = {
        "type": "http.response.start",
        "status": exchange.status,
        "headers": exchange.answer_headers,
    }
    body = b"" if exchange.method == "HEAD" else exchange.answer_body
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, exchange: Exchange, body: bytes, status: int = 200) -> None:
    """Fill in the exchange with a JSON response, and send it."""
    set_json(exchange, body, status)
    await send_response(send, exchange)


async def send_error(
    send: Send, exchange: Exchange, error: ApiError, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Fill in the exchange with a documented error, and send it."""
    set_error(exchange, error, documented)
    await send_response(send, exchange)
