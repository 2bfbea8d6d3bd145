"""A trace: recorded exchanges, ordered by time.

Rules have no other input. A trace comes from a run against a server, from the proxy or from a HAR file, and rules
cannot tell which. A fact that a recording does not contain is None, and is not used as evidence.
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
NOBODY = "nobody"  # the label for requests without a bearer key
UNKNOWN = "unknown"  # the label if a recording does not show whether a request had a key


@dataclass(frozen=True, slots=True)
class Account:
    """The known facts about the account that sent a request. The API key is not stored, only a label.

    `valid` is True if the server accepts the key, and False if the server must respond with 401. `credits` is True if
    the account can pay for every create request of the trace, and False if it can pay for none. `access` is True if the
    key may use the model. `valid`, `credits` and `access` are None if they are unknown.
    """

    label: str
    valid: bool | None = None
    credits: bool | None = None
    access: bool | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """The properties of a downloaded result.

    If the file could not be decoded, `problem` is the reason and all numbers are 0.
    """

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, as recorded.

    `url` is a whole URL, or a path with its query string. Headers are pairs of a name, in upper or lower case, and a
    value. If a request or response had no body, the recorded body is empty.
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
    """One exchange with the API, or the delivery of a callback to a receiver.

    Times are in Unix seconds: `began` is when the request was sent or the delivery arrived, and `ended` is when the
    response was complete or the connection was lost. If there was no response, the status is 0 and `problem` is the
    reason. `who` is the label of the account that sent the request. `exact` is true if the bodies are byte for byte
    those that were sent. If a response body was too large to keep, it is empty, and `size` is its length.
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

    `origin` is the base URL of the API, without a final slash; if it is empty, requests to the API are recognized by
    their path alone. `receiver` is the beginning of the callback URLs whose deliveries are in the trace; if it is
    empty, deliveries were not recorded, and a missing delivery proves nothing. Deliveries were recorded until
    `watched_until`, in Unix seconds.

    `scale` is the number of seconds of the server's clock per real second; if it is not 1, `created` and the header
    Date may differ. Every task of the server ends within `task_limit` seconds; 0 if this limit is unknown. `complete`
    means that the trace contains all traffic of the client, so that an exchange that is missing did not take place.
    `redacted` means that secrets have been removed. `other_models` means that clients may use models that no OpenAPI
    document describes; accepted create requests for these models are not judged. `notes` states which entries of a
    recording were left out, and why.
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
        """Return the known facts about the account with this label. If the label is unknown, all facts are None."""
        if label == NOBODY:
            return Account(NOBODY, valid=False)
        return self.accounts.get(label, Account(label))
