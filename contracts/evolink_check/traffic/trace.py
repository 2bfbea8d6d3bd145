"""A trace: recorded exchanges, ordered by time. It is the only input of the rules.

A trace comes from a run against a server, from the proxy or from any HAR file, and does not show which. Facts that a
recording does not contain are None and prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


Kind = Literal["exchange", "delivery"]
MAIN = "main"  # the account of --token
OTHER = "other"  # the account of --other-token
WRONG = "wrong"  # a key that was never issued
NOBODY = "nobody"  # the label for requests without a key in the documented scheme
UNKNOWN = "unknown"  # the label when a recording does not show whether there was a key


@dataclass(frozen=True, slots=True)
class Account:
    """The facts about the sender of a request, by a label. The key itself is never kept.

    `valid`: the server knows the key (False: it must be refused with 401). `credits`: True when they cover every
    create of the trace, False when they cover none. `access`: the key may use the model. None: not known.
    """

    label: str
    valid: bool | None = None
    credits: bool | None = None
    access: bool | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """The properties of a downloaded result. `problem`: why it could not be decoded; the numbers are then 0."""

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response as recorded.

    `url` is a path with its query string, or a whole URL whose origin does not matter. Headers are (name, value),
    names in any case. Bodies are as on the wire, empty for none.
    """

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One request with its answer: an exchange with the server, or a delivery that the server made to a receiver.

    Times are Unix seconds: `began` is when the request began or the delivery arrived, `ended` when the answer was
    complete or the connection was lost. A status of 0 means no answer; `problem` is then the reason. `who` is the
    label of the account that sent the request. `exact`: the bodies are byte for byte those that were sent. A response
    body that was too large to keep is empty, with its length in `size`.
    """

    number: int  # the index in the trace
    exchange: Exchange
    began: float
    ended: float
    kind: Kind = "exchange"
    who: str = UNKNOWN
    exact: bool = True
    problem: str = ""
    case: str = ""  # the purpose of the request, when known
    media: Media | None = None
    size: int | None = None  # bytes of the answer's body, when the body itself is not kept
    task_id: str = ""  # of the task that a create made, when the server states it besides the answer


@dataclass(frozen=True, slots=True)
class Trace:
    """Entries in order of `began`, and the circumstances under which they were recorded.

    `origin` is the base URL of the API, without a slash at its end; empty: entries are recognized by their path alone.
    `receiver` is the public prefix of callback URLs whose deliveries are in the trace; empty: deliveries were not
    watched, and their absence means nothing. `watched_until` is the instant until which deliveries were watched, in
    Unix seconds. `scale`: seconds of the server's time per real second; unless it is 1, `created` and the Date header
    may differ. `task_limit`: seconds within which every task of this server is over; 0: not stated. `complete`: the
    trace contains all traffic of the client, so that a missing exchange did not happen. `redacted`: its secrets have
    been removed. `notes`: the parts of a recording that were left out as unreadable.
    """

    entries: tuple[Entry, ...]
    accounts: Mapping[str, Account] = field(default_factory=dict)
    origin: str = ""
    receiver: str = ""
    watched_until: float = 0.0
    scale: float = 1.0
    complete: bool = True
    task_limit: float = 0.0
    redacted: bool = field(default=False, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def account(self, label: str) -> Account:
        """The known facts about a label; all None for an unknown label."""
        if label == NOBODY:
            return Account(NOBODY, valid=False)
        return self.accounts.get(label, Account(label))
