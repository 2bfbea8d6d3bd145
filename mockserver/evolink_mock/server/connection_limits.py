"""Limits for the size and the duration of a connection's input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one listener. All times are real seconds. The setting `max_body` limits bodies."""

    head_bytes: int = 64 * 1024  # of a request line and its headers; more is answered with 431
    head_seconds: float = 30.0  # from the first byte of a head, or from connecting, to its end; then 408
    connections: int = 10_000  # open at a time; further ones are answered with 503
    linger_bytes: int = 64 * 1024 * 1024  # bytes of a body that are read and dropped after an early response
    linger_seconds: float = 10.0  # for a client to finish sending after an early response
