"""Convert the journal of a mock to the trace of one run.

The journal is the mock's log of exchanges, in the HAR format.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from evolink_check.traffic.har.entries import to_entry
from evolink_check.traffic.har.schema import HarEntry, convert_record
from evolink_check.traffic.trace import NOBODY, Account, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_check.traffic.trace import Entry

CLIENT = "client"  # the label of the client's account
STRANGER = "another key"
_ENDING = 2.0  # seconds; a client need not answer callbacks that arrive this shortly before its end


class Journals(NamedTuple):
    """The exchanges that a mock recorded, as entries of HAR files."""

    own: list[dict[str, Any]]  # the exchanges of one account
    unmatched: list[dict[str, Any]]  # the exchanges that belong to no account
    dropped: int = 0  # how many old exchanges of the account the mock has discarded


def trace_of(
    journals: Journals,
    *,
    ended: float,
    receiver: str = "",
    ahead: float = 0.0,
    frozen: bool = False,
) -> Trace:
    """Convert the journals to the trace of a run.

    `ended` is the Unix time at which the client ended. `receiver` is the prefix of the client's callback URLs.
    `receiver` is empty if the client has no receiver. `ahead` is how many seconds this program's clock is ahead of the
    mock's clock. `frozen` means that the mock's clock stood still between the client's sleeps. Requests then have the
    duration 0.
    """
    entries = [*_entries(journals.own, CLIENT), *_entries(journals.unmatched, STRANGER)]
    lasting = [replace(entry, ended=entry.began) for entry in entries] if frozen else entries
    shifted = [replace(entry, began=entry.began + ahead, ended=entry.ended + ahead) for entry in lasting]
    # A client that has ended, or is about to end, cannot respond to callbacks.
    in_time = (
        entry
        for entry in shifted
        if entry.kind == "exchange" or entry.began < ended - _ENDING or entry.exchange.status
    )
    ordered = sorted(in_time, key=lambda entry: (entry.began, entry.ended))
    return Trace(
        entries=tuple(replace(entry, number=number) for number, entry in enumerate(ordered)),
        accounts={
            CLIENT: Account(CLIENT, valid=True, access=True),
            STRANGER: Account(STRANGER, valid=False),
        },
        receiver=receiver,
        watched_until=ended if receiver else 0.0,
        complete=not journals.dropped,
    )


def has_other_key(trace: Trace) -> bool:
    """Whether at least one request had a bearer token different from the client's key."""
    return any(entry.who == STRANGER for entry in trace.entries)


def _entries(journal: Sequence[Mapping[str, Any]], owner: str) -> Iterator[Entry]:
    for index, item in enumerate(journal):
        where = f"entry {index} of the mock's journal"
        har_entry = convert_record(item, HarEntry, where)
        entry = to_entry(har_entry, CLIENT if har_entry.own_key is True else owner, exact=False)
        headers = entry.exchange.request_headers
        is_owner = entry.kind == "delivery" or any(_is_bearer(*header) for header in headers)
        # API keys are removed.
        plain = tuple(header for header in headers if header[0].lower() != "authorization")
        # The start is rounded down to milliseconds. If the duration were not, a response could seem to end after the
        # next request began.
        seconds = int(max(0.0, har_entry.milliseconds or 0.0)) / 1000
        yield replace(
            entry,
            exchange=replace(entry.exchange, request_headers=plain),
            ended=round(entry.began + seconds, 3),
            who=entry.who if is_owner else NOBODY,
        )


def _is_bearer(name: str, value: str) -> bool:
    return name.lower() == "authorization" and value.lower().startswith("bearer ")
