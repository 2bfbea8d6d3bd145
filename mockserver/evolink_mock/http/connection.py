"""Close a client's connection without an answer, or in the middle of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


TRANSPORT = "evolink_mock.transport"  # the connection in the ASGI scope, when `protocol` serves it


class ConnectionDroppedError(ConnectionError):  # noqa: N818  (the answer is lost, which is what was asked for)
    """A recipe had the connection closed. In process, without a connection, this is what the caller sees.

    `sent` says whether a part of the answer went before.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__("a recipe cut the answer short" if sent else "a recipe dropped the answer")
        self.sent = sent


async def close_connection(lost: ConnectionDroppedError, scope: Scope, receive: Receive) -> None:
    """Close the connection of a request, and return once it is closed. Raises `ConnectionDroppedError` where there is none."""
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise lost
    if lost.sent:
        transport.close()  # what was sent does arrive
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
