"""The answers to callback deliveries, and the state of each callback URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one delivery, sent after `seconds`.

    With status 0, the connection is closed without an answer.
    """

    status: int = 204
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    elsewhere: bool = False  # whether the answer redirects to another address of the receiver


REDIRECT = Answer(302, elsewhere=True)
CLOSE = Answer(0)


def slow(seconds: float, status: int = 204) -> Answer:
    """Return an answer that is sent after a delay of `seconds`."""
    return Answer(status, seconds)


def never(limit: float = 60.0) -> Answer:
    """Return an `Answer` for a delivery that gets no response.

    The connection stays open until the sender closes it, or for `limit` seconds.
    """
    return Answer(0, limit)


@dataclass(slots=True)
class CallbackAddress:
    """The state of one callback URL."""

    name: str  # of the case whose create request contains the URL
    answers: deque[Answer]  # to the next deliveries; later deliveries get a 204
    arrived: int = 0  # how many deliveries have arrived
    under_way: int = 0  # how many of these have not been answered yet
    last: float = 0.0  # when the latest delivery was answered, in Unix seconds; 0 if none was


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The deliveries to one callback URL so far."""

    count: int  # how many have arrived
    under_way: int  # how many of these have not been answered yet
    last: float  # when the latest delivery was answered, in Unix seconds; 0 if none was
