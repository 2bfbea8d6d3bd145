"""The answers to callback deliveries: a script for each issued address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one delivery, sent after `seconds`. Status 0 closes the connection without an answer."""

    status: int = 204
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    elsewhere: bool = False  # whether the answer redirects to another address of the receiver


REDIRECT = Answer(302, elsewhere=True)
CLOSE = Answer(0)


def slow(seconds: float, status: int = 204) -> Answer:
    """Return an answer that is sent after a delay."""
    return Answer(status, seconds)


def never(limit: float = 60.0) -> Answer:
    """Send no answer: keep the connection open until the sender closes it, for at most `limit` seconds."""
    return Answer(0, limit)


@dataclass(slots=True)
class CallbackAddress:
    """One issued address and the answers of its script that have not been sent yet.

    When `answers` is empty, deliveries are answered with 204.
    """

    name: str
    answers: deque[Answer]
    arrived: int = 0
    under_way: int = 0
    last: float = 0.0  # when the last delivery ended, in Unix seconds; 0: none yet


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The deliveries to one address.

    `count` is the number that arrived, and `under_way` the number that are not answered yet. `last` is when
    the last one ended, in Unix seconds; 0 if none has ended.
    """

    count: int
    under_way: int
    last: float
