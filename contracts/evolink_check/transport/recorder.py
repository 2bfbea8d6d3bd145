"""Collects what a run observes, from any thread, and makes a trace of it. Keys do not get in."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.traffic.redaction import KEY, SHORT
from evolink_check.traffic.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.settings import Key, Subject
    from evolink_check.traffic.trace import Account, Entry, Exchange

Headers = tuple[tuple[str, str], ...]


class Recorder:
    """Entries as they end. The keys of these accounts are replaced by `[removed:key]` wherever they stand."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._secrets = {key.token for key in keys.values() if len(key.token) >= SHORT}
        self._ahead = 0.0

    def now(self) -> float:
        """Unix seconds, as far ahead as the server's clock was moved."""
        return clock.now() + self._ahead

    def moved(self, seconds: float) -> None:
        """The server's clock was moved forward, by so many seconds of ours: what follows is that much later."""
        self._ahead += seconds

    def add(self, entry: Entry) -> Entry:
        """Keep it, without keys; returned as it is kept. Its number is provisional until `trace`."""
        clean = self._cleaned(entry.exchange)
        untouched = (clean.request_body, clean.response_body) == (
            entry.exchange.request_body,
            entry.exchange.response_body,
        )
        with self._lock:
            number = len(self._entries)
            kept = replace(
                entry,
                number=number,
                exchange=clean,
                exact=entry.exact and untouched,
                problem=self._text(entry.problem),
            )
            self._entries.append(kept)
        return kept

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def entries(self) -> tuple[Entry, ...]:
        """What there is by now, in the order in which it was added."""
        with self._lock:
            return tuple(self._entries)

    def trace(self, subject: Subject, accounts: Mapping[str, Account], watched_until: float = 0.0) -> Trace:
        """Everything in order of its beginning, numbered anew. `watched_until` 0: nobody watched deliveries."""
        return Trace(
            tuple(replace(entry, number=number) for number, entry in enumerate(self._ordered())),
            accounts,
            subject.url,
            subject.callback_url if watched_until else "",
            watched_until,
            subject.scale,
        )

    def places(self) -> dict[int, int]:
        """The number that each entry has in the trace, by the provisional one."""
        return {entry.number: number for number, entry in enumerate(self._ordered())}

    def _ordered(self) -> list[Entry]:
        return sorted(self.entries(), key=lambda entry: (entry.began, entry.number))

    def _cleaned(self, exchange: Exchange) -> Exchange:
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
