"""A trace: recorded exchanges, ordered by time.

Rules have a trace as their single input. A trace comes from a run, from the proxy or from a HAR file. Rules cannot tell
these sources apart. A fact that a recording does not contain is None. Such a fact is not used as evidence.
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
    """The facts about the account that sent a request. A fact that is not known is None."""

    label: str  # stands for the API key, which is not stored
    valid: bool | None = None  # True if the server accepts the key, False if it must respond with 401
    credits: bool | None = None  # True if the account can pay for all create requests, False if for none
    access: bool | None = None  # whether the account may use the models that are requested in the trace


@dataclass(frozen=True, slots=True)
class Media:
    """The properties of a downloaded result.

    If the file could not be decoded, all numbers are 0.
    """

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    problem: str = ""  # the reason why the file could not be decoded


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, as recorded.

    Each header is a pair of a name and a value. The names keep the capitalization in which they were recorded. If a
    request or response had no body, the recorded body is empty.
    """

    method: str
    url: str  # a whole URL, or a path with its query string
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange with the API, or the delivery of a callback to a receiver."""

    number: int  # the index in the trace
    exchange: Exchange  # has the status 0 if there was no response
    began: float  # Unix seconds: when the request was sent or the delivery arrived
    ended: float  # Unix seconds: when the response was complete or the connection was lost
    kind: Kind = "exchange"
    who: str = UNKNOWN  # the label of the account that sent the request
    exact: bool = True  # whether the bodies are byte for byte those that were sent
    problem: str = ""  # the reason why there was no response
    case: str = ""  # the purpose of the request, if known
    media: Media | None = None  # the properties of the result, if the request downloaded one
    size: int | None = None  # bytes of a response body that was not kept, so that the recorded body is empty
    task_id: str = ""  # the task that a create request created, if the server states it outside the response


@dataclass(frozen=True, slots=True)
class Trace:
    """Entries in order of `began`, and the circumstances under which they were recorded."""

    entries: tuple[Entry, ...]
    accounts: Mapping[str, Account] = field(default_factory=dict)  # by label
    # The base URL of the API, without a final slash. If it is empty, API requests are recognized by their path alone.
    origin: str = ""
    # The beginning of the callback URLs whose deliveries are in the trace. If it is empty, deliveries were not
    # recorded, and a missing delivery proves nothing.
    receiver: str = ""
    watched_until: float = 0.0  # Unix seconds: deliveries were recorded until this time
    # Seconds of the server's clock per real second. If it is not 1, `created` may differ from the header Date.
    scale: float = 1.0
    complete: bool = True  # whether all traffic of the client is in the trace; if so, nothing else was sent
    task_limit: float = 0.0  # real seconds within which every task of the server ends; 0 if unknown
    redacted: bool = field(default=False, compare=False)  # whether secrets have been removed
    # API keys that may equal an ordinary word, such as `test`. The entries may contain them, and reports mask them.
    short_keys: frozenset[str] = field(default=frozenset(), compare=False)
    # Whether clients may use models that no OpenAPI document describes. If so, accepted create requests for these
    # models are not judged.
    other_models: bool = field(default=False, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)  # which entries were left out, and why

    def account(self, label: str) -> Account:
        """Return the known facts about the account with this label.

        If the label is unknown, all facts are None.
        """
        if label == NOBODY:
            return Account(NOBODY, valid=False)
        return self.accounts.get(label, Account(label))
