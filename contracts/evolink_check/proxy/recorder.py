"""What passes a proxy, kept as entries of a trace: without credentials, without large bodies, in bounded memory."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.traffic.content_coding import Decoder, UndecodableError, coding_of
from evolink_check.traffic.exchange_redaction import add_credentials, redact_exchange
from evolink_check.traffic.har.schema import LogFacts
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.trace import NOBODY, Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Headers = list[tuple[bytes, bytes]]
KEPT_BYTES = 1024 * 1024  # of a response; of a larger one only the length is kept
KEPT_REQUEST_BYTES = 16 * 1024 * 1024  # of a request, which may carry an image; a larger one cannot be judged
ROOM = 64 * 1024 * 1024  # bytes of memory for entries: some ten thousand exchanges
_ENTRY_BYTES = 2048  # that an entry takes beside its texts
_CREDENTIALS = 2000  # that are looked for in what follows: the latest ones
_MEDIA = {b"video", b"audio", b"image"}
_RELATED = 200  # the latest entries, among which those about the same task are looked for


@dataclass(slots=True)
class Body:
    """A body on its way: all of it up to `limit` bytes, beyond that only its length."""

    limit: int = KEPT_BYTES
    size: int = 0
    parts: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        """Another chunk has passed."""
        self.size += len(chunk)
        if self.size <= self.limit:
            self.parts.append(chunk)
        else:
            self.parts.clear()

    @property
    def whole(self) -> bytes | None:
        """The body; None when it was too large to keep."""
        return b"".join(self.parts) if self.size <= self.limit else None


@dataclass(slots=True)
class PendingExchange:
    """A request on its way. `target` is what follows the base URL, with its query; `status` 0: no response yet."""

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
    """Keeps what passes, for any thread to read. `origin` is the base URL of the server that answers.

    `sink` gets each entry when it is complete. Memory for entries is bounded by `room` bytes: `forget` drops the oldest
    ones, after they were judged. Where nobody calls it in time they are dropped unjudged, and counted.
    """

    def __init__(self, origin: str, sink: Callable[[Entry], None] = lambda _: None, room: int = ROOM) -> None:
        self.origin = origin
        self.sink = sink
        self._room = room
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._weight = 0
        self._labels: set[str] = set()
        self._keys = KnownKeys(limit=_CREDENTIALS)  # what was sent may come back in any response
        self.recorded = 0
        self.forgotten = 0  # of these, how many are not in memory any more
        self.unjudged = 0  # requests that were not seen whole, and entries that were forgotten too early

    def add(self, passed: PendingExchange) -> Entry | None:
        """Keep an exchange that has ended; None when its request was incomplete, too large or cannot be decoded."""
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
            self.sink(entry)
        return entry

    def facts(self, *, complete: bool = False) -> LogFacts:
        """What a HAR file says of the whole record. Nothing is known of the accounts but their labels."""
        with self._lock:
            accounts = tuple(Account(label) for label in sorted(self._labels))
        return LogFacts(accounts, self.origin, complete=complete)

    def forget(self) -> None:
        """Drop the oldest entries, as many as are too many. To be called when they have been judged."""
        with self._lock:
            if self._weight > self._room:
                self._drop()

    def trace(self, *, complete: bool = False) -> Trace:
        """The entries in memory, in order. `complete`: no client began before the proxy, or went around it."""
        with self._lock:
            entries = list(self._entries)
            accounts = {label: Account(label) for label in sorted(self._labels)}
            complete = complete and not self.forgotten
        return Trace(_in_order(entries), accounts, self.origin, complete=complete)

    def around(self, entry: Entry) -> Trace:
        """An entry, the last one, with the entries before it that are about the same task."""
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
        """How many exchanges were recorded, in memory or not."""
        return self.recorded

    def _drop(self) -> int:
        """Drop the oldest entries until half of the room is free; how many."""
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
        """The label of the account that asks: one for each key."""
        value = next((value for name, value in headers if name.lower() == b"authorization"), b"")
        scheme, _, key = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return NOBODY
        label = _label_of(key.strip())
        self._labels.add(label)
        return label


def _label_of(key: str) -> str:
    """The same label for the same key in every record, so that several can be read together."""
    return f"key-{sha256(key.encode('latin-1')).hexdigest()[:4]}"


def kept_of(headers: Headers) -> int:
    """How many bytes of such a response are kept: none of media, of which the length says enough."""
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
    """What may be the id of a task: the last part of the path, and the `id` of the response."""
    ids = {entry.exchange.url.partition("?")[0].rpartition("/")[2]}
    try:
        body = json.loads(entry.exchange.response_body)
    except (ValueError, RecursionError):
        return ids
    id_ = body.get("id") if isinstance(body, dict) else None
    return {id_} if isinstance(id_, str) else ids


def _decoded(body: bytes | None, headers: Headers) -> bytes | None:
    """A body without its content coding; None when there is none, it grows too large, or cannot be decoded."""
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
