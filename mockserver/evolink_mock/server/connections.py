"""The limits and the state that the connections of a server share."""

from __future__ import annotations

from dataclasses import dataclass

from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True)
class ConnectionLimits:  # the setting `max_body` limits the bodies
    """The limits of one listener. Times are in seconds of real time.

    An early response is sent before the whole body of the request has arrived.
    """

    head_bytes: int = 64 * 1024  # maximum size of a request line with its headers; a larger head gets a 431
    head_seconds: float = 30.0  # maximum time for a head, from its first byte or from connecting; then a 408
    connections: int = 10_000  # maximum number of open connections; further connections get a 503
    linger_bytes: int = 64 * 1024 * 1024  # maximum bytes that are read and dropped after an early response
    linger_seconds: float = 10.0  # maximum time for the client to finish sending after an early response


class ConnectionState(ServerState):
    """The connections of all listeners, as uvicorn records them."""

    was_reached = False  # whether any client has ever connected
