"""Record the traffic of a proxy as entries of a trace.

Credentials and large bodies are not recorded. The memory is limited.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.traffic.content_coding import Decoder, UndecodableError, coding_of
from evolink_check.traffic.credentials import SHORT_KEYS, short_keys_in
from evolink_check.traffic.exchange_redaction import add_credentials, mask_entry, redact_exchange
from evolink_check.traffic.har.schema import LogFacts
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.trace import NOBODY, Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Headers = list[tuple[bytes, bytes]]
KEPT_BYTES = 1024 * 1024  # maximum size of a response that is kept; if it is larger, only its length is kept
KEPT_REQUEST_BYTES = 16 * 1024 * 1024  # maximum size of a request, which may contain an image
ROOM = 64 * 1024 * 1024  # bytes of memory for entries, enough for some ten thousand exchanges
_ENTRY_BYTES = 2048  # memory of an entry in addition to its texts
_CREDENTIALS = 2000  # maximum number of credentials that are remembered, to find them in later traffic
_MEDIA = {b"video", b"audio", b"image"}
_RELATED = 200  # the number of latest entries in which those about the same task are searched for


@dataclass(slots=True)
class Body:
    """The body of a request or response in progress.

    A body of at most `limit` bytes is kept. A larger body is dropped, and its length is kept.
    """

    limit: int = KEPT_BYTES
    size: int = 0
    parts: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        """Add a chunk. If the body is now larger than `limit`, all chunks are dropped."""
        self.size += len(chunk)
        if self.size <= self.limit:
            self.parts.append(chunk)
        else:
            self.parts.clear()

    @property
    def whole(self) -> bytes | None:
        """The chunks received so far; None if the body is too large."""
        return b"".join(self.parts) if self.size <= self.limit else None


@dataclass(slots=True)
class PendingExchange:
    """An exchange in progress."""

    method: str
    target: str  # the path below the base URL of the upstream server, with the query string
    began: float  # Unix seconds
    request_headers: Headers
    request: Body = field(default_factory=lambda: Body(KEPT_REQUEST_BYTES))
    request_complete: bool = False
    status: int = 0  # 0 until there is a response
    headers: Headers = field(default_factory=list)  # of the response
    response: Body = field(default_factory=Body)
    ended: float = 0.0  # Unix seconds; 0 until the exchange has ended
    problem: str = ""  # why the response is missing or incomplete; empty if it is complete


class ProxyRecorder:
    """Records the traffic of a proxy; thread-safe.

    `origin` is the base URL of the upstream server. Each recorded entry is also passed to `sink`. `room` is the memory
    limit in bytes. Call `forget` whenever all entries have been judged. If `forget` is called too late, the entries can
    take twice `room`. `add` then drops the oldest entries, and counts the dropped entries in `unjudged`.
    """

    def __init__(self, origin: str, sink: Callable[[Entry], None] = lambda _: None, room: int = ROOM) -> None:
        self.origin = origin
        self.sink = sink
        self._room = room
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._weight = 0
        self._labels: set[str] = set()
        self._keys = KnownKeys(limit=_CREDENTIALS)  # any later request or response may contain them
        self._short_keys: dict[str, None] = {}
        self.recorded = 0
        self.forgotten = 0  # the number of recorded exchanges that are no longer in memory
        self.unjudged = 0  # incomplete or too large requests, and entries that were dropped too early

    def add(self, passed: PendingExchange) -> Entry | None:
        """Record an exchange and return its entry.

        Returns None if the request is incomplete, too large or undecodable. Such an exchange is counted in `unjudged`.
        """
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
        """The short API keys of clients, which could also be ordinary words, such as `test`.

        Recorded entries may contain these keys in bodies and URLs. Reports must mask these keys.
        """
        with self._lock:
            # The entries that rules judge keep these words, because they may be ordinary words.
            return tuple(self._short_keys)

    def facts(self, *, complete: bool = False) -> LogFacts:
        """Return the metadata of the recording for a HAR file.

        The metadata includes labels of accounts, but no API keys. Pass `complete=True` if all requests of the clients
        went through the proxy.
        """
        with self._lock:
            accounts = tuple(Account(label) for label in sorted(self._labels))
        return LogFacts(accounts, self.origin, complete=complete)

    def forget(self) -> None:
        """Drop the oldest entries if the entries take more memory than `room`.

        All entries must have been judged before this call.
        """
        with self._lock:
            if self._weight > self._room:
                self._drop()

    def trace(self, *, complete: bool = False) -> Trace:
        """Return the entries in memory as a trace, ordered by time.

        Pass `complete=True` if all requests of the clients went through the proxy. A trace with dropped entries is
        always marked as incomplete.
        """
        with self._lock:
            entries = list(self._entries)
            accounts = {label: Account(label) for label in sorted(self._labels)}
            complete = complete and not self.forgotten
        return Trace(_in_order(entries), accounts, self.origin, complete=complete, other_models=True)

    def around(self, entry: Entry) -> Trace:
        """Return a trace of this entry and earlier entries about the same task."""
        with self._lock:
            latest = self._entries[-_RELATED:]
        task_id = _task_id(entry)
        related = [
            other
            for other in latest
            if other is not entry and other.began <= entry.began and _task_id(other) == task_id
        ]
        entries = (*_in_order(related), replace(entry, number=len(related)))
        return Trace(entries, origin=self.origin, complete=False, other_models=True)

    def __len__(self) -> int:
        """The number of recorded exchanges, including dropped ones."""
        return self.recorded

    def _drop(self) -> int:
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
        if len(self._short_keys) < SHORT_KEYS:
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
        value = next((value for name, value in headers if name.lower() == b"authorization"), b"")
        scheme, _, key = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return NOBODY
        label = _label_of(key.strip())
        self._labels.add(label)
        return label


@lru_cache(_CREDENTIALS)
def _label_of(key: str) -> str:
    # The same account has the same label in each recording.
    return f"key-{sha256(key.encode('latin-1')).hexdigest()[:4]}"


def kept_of(headers: Headers) -> int:
    """Return the maximum size of a response body that is kept.

    The size is 0 for images, audio and video. The usual size is `KEPT_BYTES`.
    """
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


def _task_id(entry: Entry) -> str:
    # The last part of the path is the task id in a status query.
    last_part = entry.exchange.url.partition("?")[0].rpartition("/")[2]
    try:
        body = json.loads(entry.exchange.response_body)
    except (ValueError, RecursionError):
        return last_part
    id_ = body.get("id") if isinstance(body, dict) else None
    return id_ if isinstance(id_, str) else last_part


def _decoded(body: bytes | None, headers: Headers) -> bytes | None:
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
