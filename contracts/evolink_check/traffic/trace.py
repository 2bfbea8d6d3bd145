"""A trace: recorded exchanges, ordered by time.

The rules have no other input. A trace comes from a run against a server, from the proxy or from a HAR file,
and does not show from which. A fact that a recording does not contain is None and proves nothing.
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
    """The known facts about the sender of a request, who is identified by a label.

    The key itself is never kept. `valid` is True if the server knows the key; if it is False, the key must be
    refused with 401. If `credits` is True, the account's credits cover every create request of the trace; if
    it is False, they cover none. `access` is True if the key may use the model. `valid`, `credits` and
    `access` are None if they are unknown.
    """

    label: str
    valid: bool | None = None
    credits: bool | None = None
    access: bool | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """The properties of a downloaded result.

    If it could not be decoded, `problem` is the reason and the numbers are 0.
    """

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response as recorded.

    `url` is a path with its query string, or a whole URL whose origin does not matter. Headers are pairs of a
    name, in any case, and a value. Bodies are the bytes on the wire; empty if there was none.
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
    """One request with its response: an exchange with the API, or the delivery of a callback to a receiver.

    Times are in Unix seconds: `began` is when the request began or the delivery arrived, `ended` is when the
    response was complete or the connection was lost. If there was no response, the status is 0 and `problem`
    is the reason. `who` is the label of the account that sent the request. `exact` is true if the bodies are
    byte for byte those that were sent. A response body that was too large to keep is empty, and `size` is its
    length.
    """

    number: int  # the index in the trace
    exchange: Exchange
    began: float
    ended: float
    kind: Kind = "exchange"
    who: str = UNKNOWN
    exact: bool = True
    problem: str = ""
    case: str = ""  # the purpose of the request, if known
    media: Media | None = None
    size: int | None = None  # bytes of the response body, if the body itself is not kept
    task_id: str = ""  # the task that a create request made, if the server states it outside the response


@dataclass(frozen=True, slots=True)
class Trace:
    """Entries in order of `began`, and the circumstances under which they were recorded.

    `origin` is the base URL of the API, without a slash at its end; if it is empty, entries are recognized by
    their path alone. `receiver` is the public prefix of the callback URLs whose deliveries are in the trace;
    if it is empty, deliveries were not recorded and their absence means nothing. `watched_until` is the
    instant until which deliveries were recorded, in Unix seconds. `scale` is the number of seconds of the
    server's time per real second; unless it is 1, `created` and the Date header may differ. `task_limit` is
    the number of seconds within which every task of this server ends; 0 if not stated. If `complete`, the
    trace contains all traffic of the client, so that a missing exchange did not happen. If `redacted`,
    secrets have been removed. If `other_models`, the clients may use models that the documents do not
    describe, so a create request that was accepted is judged only if the documents describe its model.
    `notes` names the parts of a recording that were left out because they could not be read.
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
    other_models: bool = field(default=False, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def account(self, label: str) -> Account:
        """Return the known facts about the account with this label; for an unknown label, all of them are None."""
        if label == NOBODY:
            return Account(NOBODY, valid=False)
        return self.accounts.get(label, Account(label))
