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
    """A callback request that the checker sends to the receiver. `url` is the complete URL with its query string."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = "plain"


@dataclass(frozen=True, slots=True)
class Reply:
    """The response of a receiver to a callback. Times are Unix seconds.

    If there was no response, `status` is 0 and `problem` is the reason. `late` means that the response took longer than
    EvoLink waits for the response to a callback.
    """

    status: int
    began: float
    ended: float
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    problem: str = ""
    late: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the status is 2xx, so that EvoLink regards the callback as delivered."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def seconds(self) -> float:
        """The duration of the exchange in seconds."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Call:
    """One callback and the reply to it. `label` describes in a few words how the callback differs from a usual one."""

    kind: Kind
    callback: Callback
    reply: Reply
    label: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """What the receiver has recorded about a finished task, for example a line in a file.

    `text` is the whole entry, with the task id. `outcome` is how the task ended according to the entry.
    """

    text: str
    outcome: Outcome


@dataclass(slots=True)
class TaskCase:
    """One task of a scenario and its callbacks. `results` are the result links that the API returns for the task.

    `truth` is how the task ended according to the API, whatever the callbacks say. `booked_early` contains the bookings
    that the receiver made while the API did not yet report the end of the task. `forged` is a word that occurs only in
    the links of a forged callback; empty if no link is forged.
    """

    id: str
    truth: Truth
    results: tuple[str, ...] = ()
    calls: list[Call] = field(default_factory=list)
    booked_early: tuple[Booking, ...] = ()
    forged: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the receiver responded to at least one callback of this task with a 2xx."""
        return any(call.reply.accepted for call in self.calls)


@dataclass(slots=True)
class ScenarioRecord:
    """The record of one scenario that was run.

    `problem` is the reason why the scenario cannot be judged; empty if it can be judged. `began` and `ended` are in
    Unix seconds.
    """

    scenario: Scenario
    began: float = 0.0
    ended: float = 0.0
    cases: list[TaskCase] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverActivity:
    """What the receiver did during the whole check.

    `requests` are the receiver's requests to the API, in order of time; some may be missing unless `complete` is True.
    `bookings` are grouped by task id; None means that there is no ledger. `output` is the text that the receiver
    printed and logged; None if this text is not available.
    """

    requests: tuple[Entry, ...] = ()
    bookings: Mapping[str, tuple[Booking, ...]] | None = None
    output: str | None = None
    complete: bool = True

    def booked(self, task_id: str) -> tuple[Booking, ...]:
        """Return what the receiver has booked for a task; empty if there is no booking or no ledger."""
        return (self.bookings or {}).get(task_id, ())

    def naming(self, *words: str) -> tuple[Entry, ...]:
        """Return the requests whose URL contains at least one of these words."""
        return tuple(entry for entry in self.requests if any(word in entry.exchange.url for word in words))


@dataclass(frozen=True, slots=True)
class Terms:
    """The callback URL of a receiver, and how the receiver is expected to check callbacks.

    `url` is the callback URL with the right secret. `secret` is the secret in the query string of `url`; empty if `url`
    has no secret. `trusts_secret` means that the receiver accepts every callback with the right secret without querying
    the task. `key` is the API key of the receiver.
    """

    url: str
    secret: str = ""
    trusts_secret: bool = False
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in real seconds."""

    limit: float = 10.0  # how long EvoLink waits for the response to a callback
    retries: tuple[float, ...] = (1.0, 2.0, 4.0)  # the waits before a refused callback is sent again
    patience: float = 20.0  # how long the receiver may take to query and book a task after its 2xx response
    quiet: float = 1.0  # how long the check waits for bookings after the last callback
    pause: float = 0.5  # the wait between two parts of a body that is sent slowly


def is_confirmed(activity: ReceiverActivity, case: TaskCase) -> bool:
    """Return whether a status query by the receiver got a response that reported the end of the task."""
    return any(
        entry.exchange.status == 200  # noqa: PLR2004
        and any(status in entry.exchange.response_body for status in _FINAL)
        for entry in activity.naming(f"/tasks/{case.id}")
    )
