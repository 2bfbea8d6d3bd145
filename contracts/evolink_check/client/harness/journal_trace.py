"""The mock's journal, an HTTP Archive, as a trace of one run of a client. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.trace import NOBODY, Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CLIENT = "client"  # the label of the account that the client was given
STRANGER = "another key"
_JOURNAL = 200  # exchanges that the mock remembers of an account
_GOING = 2.0  # seconds: a client that is about to end answers no callback any more


def trace_of(  # noqa: PLR0913  (two archives, and what is known of their time)
    journal: Sequence[Mapping[str, Any]],
    strays: Sequence[Mapping[str, Any]],
    *,
    ended: float,
    receiver: str = "",
    ahead: float = 0.0,
    frozen: bool = False,
) -> Trace:
    """The trace of a run from the entries of its account and of those of nobody.

    `ended` is when the client did (Unix seconds): a callback after that could not be answered. `receiver` is what the
    URLs of its callbacks begin with, empty for none. `ahead` is what our clock says beyond the mock's, in seconds.
    On a `frozen` clock, which nothing but the client's sleeps moves, an answer takes no time: what it really took is
    left out, as the next request begins at the very instant.
    """
    told = [_entry(one, CLIENT) for one in journal] + [_entry(one, STRANGER) for one in strays]
    lasting = [replace(one, ended=one.began) for one in told] if frozen else told
    found = [replace(one, began=one.began + ahead, ended=one.ended + ahead) for one in lasting]
    there = (
        one for one in found if one.kind == "exchange" or one.began < ended - _GOING or one.exchange.status
    )
    ordered = sorted(there, key=lambda one: (one.began, one.ended))
    return Trace(
        entries=tuple(replace(one, number=number) for number, one in enumerate(ordered)),
        accounts={
            CLIENT: Account(CLIENT, valid=True, access=True),
            STRANGER: Account(STRANGER, valid=False),
        },
        receiver=receiver,
        watched_until=ended if receiver else 0.0,
        complete=len(journal) < _JOURNAL,
    )


def has_other_key(strays: Iterable[Mapping[str, Any]]) -> bool:
    """Whether somebody asked with a bearer token that is not the one the client was given."""
    return any(_bearer(one["request"]["headers"]) for one in strays)


def _entry(one: Mapping[str, Any], owner: str) -> Entry:
    asked, answered = one["request"], one["response"]
    began = datetime.fromisoformat(one["startedDateTime"]).timestamp()
    text = answered["content"].get("text", "")
    exchange = Exchange(
        method=asked["method"],
        url=asked["url"],
        request_headers=_headers(asked),
        request_body=asked.get("postData", {}).get("text", "").encode("utf-8", "surrogatepass"),
        status=answered["status"],
        response_headers=_headers(answered),
        response_body=text.encode("utf-8", "surrogatepass"),
    )
    kind: Any = "delivery" if one.get("_callback") else "exchange"
    who = "server" if kind == "delivery" else owner if _bearer(asked["headers"]) else NOBODY
    problem = str(answered.get("_error") or "")
    # Cut to milliseconds, as the start is: no answer may seem to end after the next request began.
    ended = round(began + int(max(0.0, one["time"])) / 1000, 3)
    return Entry(0, exchange, began, ended, kind=kind, who=who, exact=False, problem=problem)


def _headers(message: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers, less the key, of which nothing but its owner is kept."""
    return tuple(
        (one["name"], one["value"]) for one in message["headers"] if one["name"].lower() != "authorization"
    )


def _bearer(headers: Iterable[Mapping[str, str]]) -> bool:
    return any(
        one["name"].lower() == "authorization" and one["value"].lower().startswith("bearer ")
        for one in headers
    )
