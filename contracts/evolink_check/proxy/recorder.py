"""The traffic of a proxy as entries of a trace: without credentials and large bodies, in limited memory."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.traffic.content_coding import Decoder, UndecodableError, coding_of
from evolink_check.traffic.credentials import short_keys_in
from evolink_check.traffic.exchange_redaction import add_credentials, mask_entry, redact_exchange
from evolink_check.traffic.har.schema import LogFacts
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.trace import NOBODY, Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Headers = list[tuple[bytes, bytes]]
KEPT_BYTES = 1024 * 1024  # of a response; of a larger response only the length is kept
KEPT_REQUEST_BYTES = 16 * 1024 * 1024  # of a request, which may carry an image; a larger one cannot be judged
ROOM = 64 * 1024 * 1024  # bytes of memory for entries: some ten thousand exchanges
_ENTRY_BYTES = 2048  # that an entry takes in addition to its texts
_CREDENTIALS = 2000  # the latest credentials, which are searched for in later traffic
_SHORT_KEYS = 100  # at most, of those below eight characters
_MEDIA = {b"video", b"audio", b"image"}
_RELATED = 200  # the latest entries, among which those about the same task are searched for


@dataclass(slots=True)
class Body:
    """A body that is being forwarded: the whole body up to `limit` bytes, beyond that only its length."""

    limit: int = KEPT_BYTES
    size: int = 0
    parts: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        """Add a chunk."""
        self.size += len(chunk)
        if self.size <= self.limit:
            self.parts.append(chunk)
        else:
            self.parts.clear()

    @property
    def whole(self) -> bytes | None:
        """The body; None if it is too large to be kept."""
        return b"".join(self.parts) if self.size <= self.limit else None


@dataclass(slots=True)
class PendingExchange:
    """An exchange in progress. `target` is path and query below the base URL; `status` 0: no response yet."""

    method: str
    target: str
    began: float
    request_headers: Headers
    request: Body = field(default_factory=lambda: Body(KEPT_REQUEST_BYTES))
    request_complete: bool = False
    status: int = 0
    headers: Headers = field(default_factory=list)
    response: Body = field(default_factory=Body)
    ended: float = 0.0
    problem: str = ""


class ProxyRecorder:
    """Records the traffic of a proxy; thread-safe. `origin` is the base URL of the upstream server.

    `sink` is called with each complete entry. Entries use at most `room` bytes of memory: `forget` drops the oldest
    ones after they were judged. If it is not called in time, they are dropped without being judged, and counted.
    """

    def __init__(self, origin: str, sink: Callable[[Entry], None] = lambda _: None, room: int = ROOM) -> None:
        self.origin = origin
        self.sink = sink
        self._room = room
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._weight = 0
        self._labels: set[str] = set()
        self._keys = KnownKeys(limit=_CREDENTIALS)  # credentials that were sent may appear in any response
        self._short_keys: dict[str, None] = {}
        self.recorded = 0
        self.forgotten = 0  # how many of them are no longer in memory
        self.unjudged = 0  # incomplete or too large requests, and entries that were dropped too early

    def add(self, passed: PendingExchange) -> Entry | None:
        """Record a completed exchange; None if its request was incomplete or too large, or cannot be decoded."""
        request = _decoded(passed.request.whole, passed.request_headers) if passed.request_complete else None
        with self._lock:
            if request is None:
                self.unjudged += 1
                return None
            entry = self._entry(passed, request)
            self._entries.append(entry)
            self.recorded += 1
            self._weight += _memory_bytes(entry)
            if self._weight > 2 * self._room:
                self.unjudged += self._drop()
            self.sink(mask_entry(entry, self._short_keys))
        return entry

    @property
    def short_keys(self) -> tuple[str, ...]:
        """The keys that were sent and are so short that only reports and files are without them."""
        with self._lock:
            return tuple(self._short_keys)

    def facts(self, *, complete: bool = False) -> LogFacts:
        """The metadata of the recording for a HAR file. Of the accounts, only the labels are known."""
        with self._lock:
            accounts = tuple(Account(label) for label in sorted(self._labels))
        return LogFacts(accounts, self.origin, complete=complete)

    def forget(self) -> None:
        """Drop the oldest entries if memory is short. To be called after they were judged."""
        with self._lock:
            if self._weight > self._room:
                self._drop()

    def trace(self, *, complete: bool = False) -> Trace:
        """The entries in memory, ordered by time. `complete`: all requests of the clients went through the proxy."""
        with self._lock:
            entries = list(self._entries)
            accounts = {label: Account(label) for label in sorted(self._labels)}
            complete = complete and not self.forgotten
        return Trace(_in_order(entries), accounts, self.origin, complete=complete)

    def around(self, entry: Entry) -> Trace:
        """The last entry, with earlier entries about the same task."""
        with self._lock:
            latest = self._entries[-_RELATED:]
        ids = _ids(entry)
        related = [
            other
            for other in latest
            if other is not entry and other.began <= entry.began and ids & _ids(other)
        ]
        entries = (*_in_order(related), replace(entry, number=len(related)))
        return Trace(entries, origin=self.origin, complete=False)

    def __len__(self) -> int:
        """The number of recorded exchanges, including those that are no longer in memory."""
        return self.recorded

    def _drop(self) -> int:
        """Drop the oldest entries until half of the memory is free. Returns how many were dropped."""
        count = 0
        while self._weight > self._room // 2 and count < len(self._entries):
            self._weight -= _memory_bytes(self._entries[count])
            count += 1
        del self._entries[:count]
        self.forgotten += count
        return count

    def _entry(self, passed: PendingExchange, request: bytes) -> Entry:
        who = self._label(passed.request_headers)
        plain = _decoded(passed.response.whole, passed.headers) if passed.status else b""
        response = plain or b""
        raw = Exchange(
            passed.method,
            self.origin + passed.target,
            _text(passed.request_headers),
            request,
            passed.status,
            _text(passed.headers),
            response,
        )
        add_credentials(self._keys, raw)
        if len(self._short_keys) < _SHORT_KEYS:
            self._short_keys |= dict.fromkeys(short_keys_in(raw))
        exchange = redact_exchange(raw, who, self._keys)
        return Entry(
            self.recorded,
            exchange,
            passed.began,
            passed.ended,
            who=who,
            exact=(exchange.request_body, exchange.response_body) == (request, response),
            problem=passed.problem,
            size=passed.response.size if plain is None else None,
        )

    def _label(self, headers: Headers) -> str:
        """The label of the account of a request: one for each key."""
        value = next((value for name, value in headers if name.lower() == b"authorization"), b"")
        scheme, _, key = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return NOBODY
        label = _label_of(key.strip())
        self._labels.add(label)
        return label


def _label_of(key: str) -> str:
    """A label that depends only on the key, so that several recordings can be checked together."""
    return f"key-{sha256(key.encode('latin-1')).hexdigest()[:4]}"


def kept_of(headers: Headers) -> int:
    """The number of bytes to keep of a response with these headers: 0 for media, as the length is enough."""
    kind = next((value for name, value in headers if name.lower() == b"content-type"), b"").lower()
    return 0 if kind.partition(b"/")[0] in _MEDIA else KEPT_BYTES


def _text(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _memory_bytes(entry: Entry) -> int:
    exchange = entry.exchange
    headers = (*exchange.request_headers, *exchange.response_headers)
    texts = sum(len(name) + len(value) + _ENTRY_BYTES // 16 for name, value in headers)
    return _ENTRY_BYTES + len(exchange.url) + len(exchange.request_body) + len(exchange.response_body) + texts


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    ordered = sorted(entries, key=lambda entry: entry.began)
    return tuple(replace(entry, number=number) for number, entry in enumerate(ordered))


def _ids(entry: Entry) -> set[str]:
    """Possible task ids of an exchange: the last part of the path, and the `id` in the response."""
    ids = {entry.exchange.url.partition("?")[0].rpartition("/")[2]}
    try:
        body = json.loads(entry.exchange.response_body)
    except (ValueError, RecursionError):
        return ids
    id_ = body.get("id") if isinstance(body, dict) else None
    return {id_} if isinstance(id_, str) else ids


def _decoded(body: bytes | None, headers: Headers) -> bytes | None:
    """The decoded body; None if there is no body, if it is too large, or if it cannot be decoded."""
    if not body:
        return body
    decoder = Decoder(coding_of(_text(headers)))
    if not decoder.known:
        return None
    try:
        plain = decoder.decode(body, KEPT_REQUEST_BYTES)
    except UndecodableError:
        return None
    return plain if decoder.complete and len(plain) <= KEPT_REQUEST_BYTES else None
