"""Close a client's connection without a response, or in the middle of a response, if a recipe requests it."""

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
    """A recipe demands that the connection is closed before the complete response is sent.

    If `held` is true, the connection must instead stay open without a response until the client closes it. `sent`
    states whether a part of the response has been sent. Code that calls the ASGI app directly, without a connection
    that could be closed, gets this error.
    """

    def __init__(self, *, sent: bool, held: bool = False) -> None:
        dropped = "a recipe held back the response" if held else "a recipe dropped the response"
        super().__init__("a recipe truncated the response" if sent else dropped)
        self.sent = sent
        self.held = held


class MayWaitError(Exception):
    """The fast lane (the part of the server that responds to small requests without uvicorn) cannot serve a request.

    The reason is that serving the request could require waiting. uvicorn serves the request instead. The error is
    raised before the request has changed anything.
    """


def is_stopping(error: asyncio.CancelledError) -> bool:
    """Return whether this request was cancelled because the server is stopping.

    If so, this function also withdraws the cancellation (`Task.uncancel`), so that the caller can still respond or
    close the connection. The caller must do one of the two at once.
    """
    task = asyncio.current_task()
    if error.args != (STOPPING,) or task is None:
        return False
    task.uncancel()
    return True


async def close_connection(error: ConnectionDroppedError, scope: Scope, receive: Receive) -> None:
    """Close the connection of a request or, if `error.held` is true, wait until the client closes it.

    If the ASGI app was called directly, without a connection, `error` is raised.
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
