"""Collect the exchanges and callback deliveries of a run into a trace.

The trace contains no API keys. The memory is limited.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.traffic.known_keys import KEY
from evolink_check.traffic.placeholders import SHORT
from evolink_check.traffic.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.settings import Key, Subject
    from evolink_check.traffic.trace import Account, Entry, Exchange

Headers = tuple[tuple[str, str], ...]
_NODE = 64  # bytes of memory that a decoded JSON value takes at least
_ROOM = 32 * 1024 * 1024  # bytes of memory for all responses together, except small ones
_SMALL = 8 * 1024  # bytes of a response that is always kept; documented responses are smaller
_KEPT_HEADERS, _KEPT_VALUE = 40, 400  # headers and characters kept if there is no memory for a response


class RunRecorder:
    """Records the exchanges and callback deliveries of a run as entries of a trace.

    The API keys in `keys` are replaced by `[removed:key]` wherever they occur. Keys shorter than `SHORT` characters are
    kept.
    """

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        # A shorter key may equal an ordinary word.
        self._secrets = {key.token for key in keys.values() if len(key.token) >= SHORT}
        self._ahead = 0.0
        self._weight = 0
        self.without_body = 0  # responses whose bodies were not kept for lack of memory

    def now(self) -> float:
        """Return the Unix time on the server's clock, which may have been advanced."""
        return clock.now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Record that the server's clock was advanced by `seconds`."""
        self._ahead += seconds

    def add(self, entry: Entry) -> Entry:
        """Remove the API keys from an entry, and store and return the entry.

        The number of the entry is provisional. `trace` renumbers all entries.
        """
        clean = self._redacted(entry.exchange)
        untouched = (clean.request_body, clean.response_body) == (
            entry.exchange.request_body,
            entry.exchange.response_body,
        )
        redacted = replace(
            entry, exchange=clean, exact=entry.exact and untouched, problem=self._text(entry.problem)
        )
        with self._lock:
            kept = self._fitted(replace(redacted, number=len(self._entries)))
            self._entries.append(kept)
        return kept

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def entries(self) -> tuple[Entry, ...]:
        """Return the entries recorded so far, in the order of the calls of `add`."""
        with self._lock:
            return tuple(self._entries)

    def trace(self, subject: Subject, accounts: Mapping[str, Account], watched_until: float = 0.0) -> Trace:
        """Return a trace of all entries, sorted by their start and renumbered.

        Callback deliveries were recorded until `watched_until`. The time 0 means that no deliveries were recorded.
        """
        return Trace(
            tuple(replace(entry, number=number) for number, entry in enumerate(self._ordered())),
            accounts,
            subject.url,
            subject.callback_url if watched_until else "",
            watched_until,
            subject.scale,
            task_limit=subject.task_limit,
        )

    def places(self) -> dict[int, int]:
        """Map each entry's number from `add` to its number in the trace."""
        return {entry.number: number for number, entry in enumerate(self._ordered())}

    def _ordered(self) -> list[Entry]:
        return sorted(self.entries(), key=lambda entry: (entry.began, entry.number))

    def _fitted(self, entry: Entry) -> Entry:
        weight = _memory_bytes(entry)
        if weight <= _SMALL or self._weight + weight <= _ROOM:
            self._weight += weight
            return entry
        self.without_body += 1
        return _without_body(entry)

    def _redacted(self, exchange: Exchange) -> Exchange:
        return replace(
            exchange,
            url=self._text(exchange.url),
            request_headers=self._headers(exchange.request_headers),
            request_body=self._bytes(exchange.request_body),
            response_headers=self._headers(exchange.response_headers),
            response_body=self._bytes(exchange.response_body),
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self._text(value)) for name, value in headers)

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, KEY)
        return text

    def _bytes(self, body: bytes) -> bytes:
        for secret in self._secrets:
            body = body.replace(secret.encode(), KEY.encode())
        return body


def _memory_bytes(entry: Entry) -> int:
    exchange = entry.exchange
    delivered = entry.kind == "delivery"
    body = exchange.request_body if delivered else exchange.response_body
    headers = exchange.request_headers if delivered else exchange.response_headers
    # A small JSON value takes more memory than its text, so the values are counted too.
    values = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    return len(body) + _NODE * values + sum(_NODE + len(name) + len(value) for name, value in headers)


def _without_body(entry: Entry) -> Entry:
    exchange = entry.exchange
    if entry.kind == "delivery":
        return replace(entry, exchange=replace(exchange, request_body=b"", request_headers=()), exact=False)
    headers = tuple((name, value[:_KEPT_VALUE]) for name, value in exchange.response_headers[:_KEPT_HEADERS])
    size = len(exchange.response_body) if entry.size is None else entry.size
    return replace(entry, exchange=replace(exchange, response_body=b"", response_headers=headers), size=size)
