"""What is known of a callback, and when the next attempt falls. Pure: instants come in as arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from evolink_spec.models import CallbackRules

_UNREADABLE = "(unreadable URL)"
_LOGGED = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)"
    r"(?:[^/?#\\\s]*@)?"
    r"(?P<host>(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?)"
    r"(?P<path>/[!\"$->@-~]*)?"  # printable ASCII less # and ?, so that anonymous writes a line into the log
    r"(?:[?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try to deliver: begun at `at` (Unix seconds of the server's clock), `seconds` long in real time.

    `status` is the HTTP status that came back; when none did, `problem` says why in a few words.
    """

    at: float
    seconds: float
    status: int | None
    problem: str | None


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A callback owed for a task, and what was tried so far."""

    task_id: str
    url: str
    attempts: tuple[Attempt, ...] = ()


def succeeded(attempt: Attempt) -> bool:
    """Whether the receiver took it: any 2xx, and nothing else (clause `callback.2xx-success`)."""
    return attempt.status is not None and attempt.status // 100 == 2  # noqa: PLR2004 - the 2 of 2xx


def after(delivery: Delivery, attempt: Attempt) -> Delivery:
    """Add an attempt to the delivery."""
    return Delivery(delivery.task_id, delivery.url, (*delivery.attempts, attempt))


def next_due(delivery: Delivery, rules: CallbackRules, ended_at: float) -> float | None:
    """When to attempt next; None once delivered or given up.

    Keeps `callback.retries`, `callback.at-most-three` and `callback.any-failure`.
    `ended_at` is the end of the task before the first attempt, the end of the last attempt afterwards: a wait
    begins when a failure is known.
    """
    tried = len(delivery.attempts)
    if tried == 0:
        return ended_at
    if succeeded(delivery.attempts[-1]) or tried > len(rules.retries):
        return None
    return ended_at + rules.retries[tried - 1]


def without_query(url: str) -> str:
    """Spell a URL for a log: scheme, host and path. A query, a fragment, a password may be a secret."""
    parts = _LOGGED.fullmatch(url)
    return f"{parts['scheme']}{parts['host']}{parts['path'] or '/'}" if parts else _UNREADABLE
