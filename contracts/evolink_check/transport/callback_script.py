"""What callback deliveries are answered with: a script of answers for each address that was given out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one delivery, sent after `seconds`. Status 0: the connection is closed without an answer."""

    status: int = 204
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    elsewhere: bool = False  # a redirect that leads to another address of the receiver


REDIRECT = Answer(302, elsewhere=True)
CLOSE = Answer(0)


def slow(seconds: float, status: int = 204) -> Answer:
    """An answer that is sent after a delay."""
    return Answer(status, seconds)


def never(limit: float = 60.0) -> Answer:
    """No answer: the connection stays open until the sender closes it, for `limit` seconds at most."""
    return Answer(0, limit)


@dataclass(slots=True)
class CallbackAddress:
    """One address that was given out, and what is left of its script. Afterwards everything is answered with 204."""

    name: str
    answers: deque[Answer]
    arrived: int = 0
    under_way: int = 0
    last: float = 0.0  # when a delivery last ended, Unix seconds; 0: never


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The deliveries to one address: how many came, how many are unanswered, when the last one ended (0: never)."""

    count: int
    under_way: int
    last: float
