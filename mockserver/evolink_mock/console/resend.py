"""Send a recorded request again, within this process."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.connection import ConnectionDroppedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from evolink_mock.domain.exchange import Exchange


async def resend(api: ASGIApp, exchange: Exchange) -> tuple[Exchange, int]:
    """Send the request of an exchange again, with its original API key and body.

    Returns the new exchange and the status of its response. The status is 0 if a recipe closes the connection without a
    response.
    """
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": exchange.method,
        "scheme": exchange.scheme,
        "path": exchange.path,
        "raw_path": exchange.path.encode(),
        "query_string": exchange.query,
        "root_path": "",
        "headers": list(exchange.request_headers),
        "client": None,
        "server": None,
    }
    messages: list[Message] = [{"type": "http.request", "body": exchange.request_body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    with suppress(ConnectionDroppedError):
        await api(scope, receive, send)
    return scope[SCOPE_KEY], statuses[0] if statuses else 0
