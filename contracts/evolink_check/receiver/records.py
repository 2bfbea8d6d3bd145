"""The records of a check of a receiver: callbacks, replies, tasks, bookings and requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.traffic.trace import Entry

Framing = Literal["plain", "chunked", "slow"]
# The kind of a callback decides how its reply is judged.
# usual: an ordinary callback, to which the receiver must respond with a 2xx
# burst: one of many callbacks at once; the receiver may refuse it, and it is then sent again
# repeat: sent again, although the receiver has accepted it
# variant: the content is unusual, but the documents allow it
# framed: the body is sent in an unusual way, in chunks or slowly
# unconfirmed: the API cannot confirm it at the time when it is sent
# redelivered: sent again, because the receiver refused it
# forged: contains the right secret, but does not come from EvoLink
# stranger: lacks the right secret
Kind = Literal[
    "usual",
    "burst",
    "repeat",
    "variant",
    "framed",
    "unconfirmed",
    "redelivered",
    "forged",
    "stranger",
]
Truth = Literal[
    "completed", "failed", "nothing"
]  # the end of a task; "nothing" if this account has no such task
Outcome = Literal["success", "failure", "unclear"]
TaskBody = dict[str, Any]  # the response to a query of a task
_FINAL = (b'"status":"completed"', b'"status":"failed"')  # in a query response about a finished task


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback request that the checker sends to the receiver."""

    url: str  # with the query string
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = "plain"


@dataclass(frozen=True, slots=True)
class Reply:
    """The response of a receiver to a callback."""

    status: int  # 0 if there was no response
    began: float  # Unix seconds
    ended: float  # Unix seconds
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    problem: str = ""  # why there was no response
    late: bool = False  # whether the response took longer than EvoLink waits

    @property
    def accepted(self) -> bool:
        """Whether the status is 2xx. EvoLink then regards the callback as delivered."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def seconds(self) -> float:
        """The duration of the exchange in seconds."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Call:
    """One callback and the reply to it."""

    kind: Kind
    callback: Callback
    reply: Reply
    label: str = ""  # how the callback differs from a usual one, in a few words


@dataclass(frozen=True, slots=True)
class Booking:
    """The receiver's record of a finished task, such as a line in a file."""

    text: str  # the whole entry, with the task id
    outcome: Outcome  # how the task ended according to the entry


@dataclass(slots=True)
class TaskCase:
    """One task of a scenario and its callbacks."""

    id: str
    truth: Truth  # how the task ended according to the API
    results: tuple[str, ...] = ()  # the result links that the API returns
    calls: list[Call] = field(default_factory=list)
    booked_early: tuple[Booking, ...] = ()  # bookings before the API reported the end of the task
    # A word that occurs in the links of forged callbacks and nowhere else; empty if no link is forged.
    forged: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the receiver responded to a callback of this task with a 2xx."""
        return any(call.reply.accepted for call in self.calls)


@dataclass(slots=True)
class ScenarioRecord:
    """The record of one scenario that was run."""

    scenario: Scenario
    began: float = 0.0  # Unix seconds
    ended: float = 0.0  # Unix seconds
    cases: list[TaskCase] = field(default_factory=list)
    problem: str = ""  # why the scenario cannot be judged; empty if it can


@dataclass(frozen=True, slots=True)
class ReceiverActivity:
    """What the receiver did during the whole check."""

    requests: tuple[Entry, ...] = ()  # to the API, in order of time
    bookings: Mapping[str, tuple[Booking, ...]] | None = None  # by task id; None without a ledger
    output: str | None = None  # what the receiver printed and logged; None if not available
    complete: bool = True  # whether `requests` contains all requests

    def booked(self, task_id: str) -> tuple[Booking, ...]:
        """Return the receiver's bookings of a task; empty without a ledger."""
        return (self.bookings or {}).get(task_id, ())

    def naming(self, *words: str) -> tuple[Entry, ...]:
        """Return the requests whose URL contains at least one of these words."""
        return tuple(entry for entry in self.requests if any(word in entry.exchange.url for word in words))


@dataclass(frozen=True, slots=True)
class Terms:
    """The callback URL of a receiver, and how the receiver must check callbacks."""

    url: str  # with the right secret
    secret: str = ""  # the secret in the query string of `url`; empty if there is none
    trusts_secret: bool = False  # whether the right secret is enough, without a query of the task
    key: str = field(default="", repr=False)  # the API key of the receiver


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in real seconds."""

    limit: float = 10.0  # how long EvoLink waits for the response to a callback
    retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # the waits before a refused callback is sent again
    patience: float = 20.0  # how long the receiver may take to query and book a task after its 2xx response
    quiet: float = 1.0  # how long the check waits for bookings after the last callback
    pause: float = 0.5  # the wait between two parts of a body that is sent slowly


def is_confirmed(activity: ReceiverActivity, case: TaskCase) -> bool:
    """Return whether the receiver learned from a status query that the task had ended."""
    return any(
        entry.exchange.status == 200  # noqa: PLR2004
        and any(status in entry.exchange.response_body for status in _FINAL)
        for entry in activity.naming(f"/tasks/{case.id}")
    )
