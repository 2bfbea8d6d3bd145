"""What passes a proxy, kept as entries of a trace: without its keys, and without what is too large."""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.traffic.redaction import redact_exchange
from evolink_check.traffic.trace import NOBODY, Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]
KEPT_BYTES = 1024 * 1024  # of an answer; a larger one is known by its length
KEPT_ASKED = 16 * 1024 * 1024  # of a request, which may carry an image; one that is larger cannot be judged
_MEDIA = {b"video", b"audio", b"image"}
_RELATED = 200  # entries before, among which those about the same task are looked for


@dataclass(slots=True)
class Body:
    """What has passed of a body: all of it up to `limit` bytes, then only its length."""

    limit: int = KEPT_BYTES
    size: int = 0
    parts: list[bytes] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        """So much more has passed."""
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
    """One request on its way. `target` is what follows the base URL, its query included; `status` 0: no answer yet."""

    method: str
    target: str
    began: float
    asked_headers: Headers
    asked: Body = field(default_factory=lambda: Body(KEPT_ASKED))
    asked_in_full: bool = False
    status: int = 0
    headers: Headers = field(default_factory=list)
    answer: Body = field(default_factory=Body)
    ended: float = 0.0
    problem: str = ""


class TrafficRecorder:
    """Keeps what passes, for any thread to read. `origin` is the base URL of the server that answers."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._labels: dict[str, str] = {}  # of each key
        self.unjudged = 0  # requests that were not seen whole

    def add(self, passed: PendingExchange) -> Entry | None:
        """Keep one that is over; None when its request did not end, was too large, or in a coding of its own."""
        asked = _decoded(passed.asked.whole, passed.asked_headers) if passed.asked_in_full else None
        with self._lock:
            if asked is None:
                self.unjudged += 1
                return None
            entry = self._entry(passed, asked)
            self._entries.append(entry)
        return entry

    def trace(self, *, complete: bool = False) -> Trace:
        """Everything until now, in order. `complete`: no client began before the proxy, or went around it."""
        with self._lock:
            entries = list(self._entries)
            accounts = {label: Account(label) for label in self._labels.values()}
        return Trace(_in_order(entries), accounts, self.origin, complete=complete)

    def around(self, entry: Entry) -> Trace:
        """An entry, the last one, with those before it that are about the same task."""
        with self._lock:
            before = self._entries[-_RELATED:]
        ids = _ids(entry)
        related = [one for one in before if one is not entry and one.began <= entry.began and ids & _ids(one)]
        entries = (*_in_order(related), replace(entry, number=len(related)))
        return Trace(entries, origin=self.origin, complete=False)

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def _entry(self, passed: PendingExchange, asked: bytes) -> Entry:
        who = self._label(passed.asked_headers)
        plain = _decoded(passed.answer.whole, passed.headers) if passed.status else b""
        answer = plain or b""
        raw = Exchange(
            passed.method,
            self.origin + passed.target,
            _text(passed.asked_headers),
            asked,
            passed.status,
            _text(passed.headers),
            answer,
        )
        exchange = redact_exchange(raw, who, self._labels)
        return Entry(
            len(self._entries),
            exchange,
            passed.began,
            passed.ended,
            who=who,
            exact=(exchange.request_body, exchange.response_body) == (asked, answer),
            problem=passed.problem,
            size=passed.answer.size if plain is None else None,
        )

    def _label(self, headers: Headers) -> str:
        """Who asks: a label for each key there is."""
        value = next((value for name, value in headers if name.lower() == b"authorization"), b"")
        scheme, _, key = value.decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return NOBODY
        return self._labels.setdefault(key.strip(), _label_of(key.strip()))


def _label_of(key: str) -> str:
    """The same for the same key in every record, so that several can be read together; the key is not told by it."""
    return f"key-{sha256(key.encode('latin-1')).hexdigest()[:4]}"


def kept_of(headers: Headers) -> int:
    """How many bytes of such an answer are kept: none of a video, whose length says enough."""
    kind = next((value for name, value in headers if name.lower() == b"content-type"), b"").lower()
    return 0 if kind.partition(b"/")[0] in _MEDIA else KEPT_BYTES


def _text(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    ordered = sorted(entries, key=lambda entry: entry.began)
    return tuple(replace(entry, number=number) for number, entry in enumerate(ordered))


def _ids(entry: Entry) -> set[str]:
    """What may be the id of a task: the end of the path that was asked for, and the `id` of the answer."""
    found = {entry.exchange.url.partition("?")[0].rpartition("/")[2]}
    try:
        body = json.loads(entry.exchange.response_body)
    except (ValueError, RecursionError):
        return found
    id_ = body.get("id") if isinstance(body, dict) else None
    return {id_} if isinstance(id_, str) else found


def _decoded(body: bytes | None, headers: Headers) -> bytes | None:
    """A body without its content coding; None when there is none, it grows too large, or nobody can undo it."""
    coding = (
        b",".join(value for name, value in headers if name.lower() == b"content-encoding").strip().lower()
    )
    if body is None or not body or coding in {b"", b"identity"}:
        return body
    if coding not in {b"gzip", b"x-gzip", b"deflate"}:
        return None
    try:
        reader = zlib.decompressobj(zlib.MAX_WBITS | 32)
        plain = reader.decompress(body, KEPT_ASKED)
    except zlib.error:
        return None
    return plain if reader.eof else None
