"""Close a connection without a complete response, if a recipe requests it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


STOPPING = "the server is stopping"  # message of a cancellation, after which the request must respond at once
WHOLE_BODY = "evolink_mock.whole_body"  # in the ASGI scope if the whole request has arrived
HELD = "evolink_mock.held"  # in the ASGI scope of a request that never gets a response
TRANSPORT = "evolink_mock.transport"  # key of the connection in the ASGI scope of a request over a socket


class ConnectionDroppedError(ConnectionError):
    """A recipe closes the connection before the complete response is sent.

    If `held` is true, the connection must stay open until the client closes it. `sent` states whether a part of the
    response has been sent.
    """

    def __init__(self, *, sent: bool, held: bool = False) -> None:
        dropped = "a recipe held back the response" if held else "a recipe dropped the response"
        super().__init__("a recipe truncated the response" if sent else dropped)
        self.sent = sent
        self.held = held


class MayWaitError(Exception):
    """Serving a request in the fast lane could require waiting.

    The fast lane serves small requests without uvicorn. After this error, uvicorn serves the request. The request has
    changed nothing before this error.
    """


def is_stopping(error: asyncio.CancelledError) -> bool:
    """Return whether the stop of the server has cancelled this request.

    If true, this function also withdraws the cancellation (`Task.uncancel`). The caller must then respond or close the
    connection at once.
    """
    task = asyncio.current_task()
    if error.args != (STOPPING,) or task is None:
        return False
    task.uncancel()
    return True


async def close_connection(error: ConnectionDroppedError, scope: Scope, receive: Receive) -> None:
    """Close the connection of a request.

    If `error.held` is true, wait until the client closes the connection. Raises `error` if the
    request came without a network connection. For example, an in-process test client needs no connection.
    """
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise error
    if error.held:
        scope[HELD] = True
    elif error.sent:
        transport.close()  # closes the connection after the bytes written so far have been delivered
    else:
        transport.abort()
    try:
        await _wait_until_closed(receive)
    except asyncio.CancelledError as cancelled:
        if not is_stopping(cancelled):
            raise
        transport.abort()
        await _wait_until_closed(receive)


async def _wait_until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
