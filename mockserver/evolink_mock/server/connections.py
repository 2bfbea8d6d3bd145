"""The limits and the state that the connections of a server share."""

from __future__ import annotations

from dataclasses import dataclass

from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one listener. All times are real seconds. The setting `max_body` limits bodies."""

    head_bytes: int = 64 * 1024  # of a request line and its headers; more gets a 431
    head_seconds: float = 30.0  # for a head, from its first byte or from the connection; then 408
    connections: int = 10_000  # open at the same time; others get a 503
    linger_bytes: int = 64 * 1024 * 1024  # of a body that are read and dropped after an early response
    linger_seconds: float = 10.0  # for a client to finish sending after an early response


class ConnectionState(ServerState):
    """uvicorn's state of all connections, and whether any client has ever connected."""

    was_reached = False
