"""HAR files of any origin as entries of a trace: what they say, what they leave out, and who asked."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from evolink_check.traffic.formats import NOT_JSON, decode_json
from evolink_check.traffic.har_schema import Archive, HarEntry, convert_record
from evolink_check.traffic.redaction import redact_exchange, redact_text
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Entry, Exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.traffic.har_schema import Content, Log, LogFacts, Pair, Post, Request, Response

DOCUMENTED = "https://api.evolink.ai"
MOCK = "evolink-mock"
_SERVER = "server"  # who delivers
_HIDDEN = re.compile(r"(?:bearer)?\W*(?:removed|redacted|hidden|masked|x{3,})?\W*", re.IGNORECASE)
_WITH_BODY = {"POST", "PUT", "PATCH"}
_REFUSED = 401
_WITHOUT = {204, 304}  # statuses that have no body
_DIGITS = 18  # of a length
_PARTS = ("blocked", "dns", "connect", "send", "wait", "receive")  # `ssl` is within `connect`

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class File:
    """One archive, read. `facts` are None when it is not ours."""

    name: str
    entries: tuple[Entry, ...]
    facts: LogFacts | None
    complete: bool


@dataclass(slots=True)
class _Keys:
    """A label for each key, in the order of their first appearance; none that a file of ours has given."""

    taken: set[str]
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, key: str) -> str:
        if key not in self.labels:
            count = len(self.labels) + 1
            while f"key-{count}" in self.taken:
                count += 1
            self.labels[key] = f"key-{count}"
            self.taken.add(f"key-{count}")
        return self.labels[key]


def read_archives(documents: Iterable[tuple[str, Any]]) -> list[File]:
    """Each archive with its entries; those of others without keys."""
    archives = [(name, convert_record(document, Archive, name).log) for name, document in documents]
    keys = _Keys({one.label for _, log in archives if log.facts is not None for one in log.facts.accounts})
    files = [
        _own(name, log) if log.facts is not None else _foreign(name, log, keys) for name, log in archives
    ]
    return [file if file.facts is not None else _clean(file, tuple(keys.labels)) for file in files]


def origin_of(entries: Iterable[Entry]) -> str:
    """The documented server when it was asked, or where most of the documented paths are found; else nothing."""
    from evolink_spec import load

    spec = load()
    paths = [spec.query.path.partition("{")[0], *(path for _, path in spec.creates)]
    urls = [entry.exchange.url for entry in entries if entry.kind == "exchange"]
    if any(f"{url}/".startswith(f"{DOCUMENTED}/") for url in urls):
        return DOCUMENTED
    found = Counter(url.partition(path)[0] for url in urls for path in paths if path in url and "://" in url)
    return found.most_common(1)[0][0] if found else ""


def _entries(name: str, log: Log) -> Iterator[tuple[str, HarEntry]]:
    """Each entry, with the words that name it."""
    for place, value in enumerate(log.entries):
        where = f"{name}: entry {place}"
        yield where, convert_record(value, HarEntry, where)


def _own(name: str, log: Log) -> File:
    entries = []
    for number, (where, one) in enumerate(_entries(name, log)):
        facts = one.facts
        if facts is None:
            raise ValueError(f"{where}: has no `_evolink`, and its file says that it is ours")
        exchange = Exchange(
            one.request.method,
            one.request.url,
            _headers(one.request.headers),
            _asked(one.request.post, where),
            one.response.status or 0,
            _headers(one.response.headers),
            b"" if facts.size is not None else _answer(one.response.content, where),
        )
        entries.append(
            Entry(
                number,
                exchange,
                facts.began,
                facts.ended,
                facts.kind,
                facts.who,
                facts.exact,
                facts.problem,
                facts.case,
                facts.media,
                facts.size,
            )
        )
    return File(name, tuple(entries), log.facts, complete=log.facts is not None and log.facts.complete)


def _foreign(name: str, log: Log, keys: _Keys) -> File:
    mock = log.creator is not None and log.creator.name == MOCK
    # The mock's journal is that of one key, which it does not tell; and it rewrites JSON.
    only = keys.label(f"the key of {name}") if mock else ""
    entries = [
        to_entry(where, one, _of_journal(one, only) if mock else _who(one, keys), exact=not mock)
        for where, one in _entries(name, log)
        if not one.cached and not _is_cut(one.request, where)
    ]
    return File(name, tuple(entries), None, complete=mock)


def _clean(file: File, keys: tuple[str, ...]) -> File:
    entries = (
        replace(
            one, exchange=redact_exchange(one.exchange, one.who, keys), problem=redact_text(one.problem, keys)
        )
        for one in file.entries
    )
    return replace(file, entries=tuple(entries))


def to_entry(where: str, one: HarEntry, who: str, *, exact: bool) -> Entry:
    """A dated entry of an archive as one of a trace, its number still 0; `who` asked, unless it is a delivery."""
    began = _began(one.started, where)
    asked, answer = _asked_with(one.request), _headers(one.response.headers)
    status = max(0, one.response.status or 0)
    body = _answer(one.response.content, where)
    size = _left_out(one.request.method, one.response, body)
    return Entry(
        0,
        Exchange(
            one.request.method,
            one.request.url,
            asked,
            _asked(one.request.post, where),
            status,
            answer,
            b"" if size is not None else body,
        ),
        began,
        began + _milliseconds(one) / 1000,
        kind="delivery" if one.callback else "exchange",
        who=_SERVER if one.callback else who,
        exact=exact and _is_exact(one, body),
        problem="" if status else _text(one.response.error) or "no answer",
        size=size,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _who(one: HarEntry, keys: _Keys) -> str:
    value = _authorization(one)
    if value is None or (
        value and _HIDDEN.fullmatch(value)
    ):  # many tools leave it out, and then nobody knows
        return UNKNOWN
    scheme, _, key = value.partition(" ")
    return keys.label(key.strip()) if scheme.lower() == "bearer" and key.strip() else NOBODY


def _of_journal(one: HarEntry, only: str) -> str:
    """Who asked the mock, which leaves no header out; what it refused need not have been a key."""
    value = _authorization(one)
    if value is None:
        return NOBODY
    is_key = value.lower().startswith("bearer ") or one.response.status != _REFUSED
    return only if is_key else NOBODY


def _authorization(one: HarEntry) -> str | None:
    headers = _headers(one.request.headers)
    return next((value.strip() for name, value in headers if name.lower() == "authorization"), None)


def _headers(pairs: Iterable[Pair]) -> Headers:
    return tuple((one.name, one.value or "") for one in pairs if not one.name.startswith(":"))


def _asked_with(request: Request) -> Headers:
    """The headers of a request. Where a tool has left them all out, the type of the body may still be told."""
    headers, post = _headers(request.headers), request.post
    return headers if headers or post is None or not post.kind else (("Content-Type", post.kind),)


def _asked(post: Post | None, where: str) -> bytes:
    if post is None:
        return b""
    if post.text is None:
        return urlencode([(one.name, one.value or "") for one in post.params or ()]).encode()
    return _bytes(post.text, post.encoding or post.coding, where)


def _answer(content: Content | None, where: str) -> bytes:
    return _bytes(content.text or "", content.encoding, where) if content is not None else b""


def _bytes(text: str, coding: str | None, where: str) -> bytes:
    if (coding or "").lower() == "base64":
        try:
            return b64decode(text, validate=True)
        except ValueError:
            raise ValueError(f"{where}: a body that is no base64") from None
    return text.encode("utf-8", "surrogatepass")


def _began(text: str, where: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).timestamp()  # an OverflowError at either end of the calendar
    except (ValueError, OverflowError):
        raise ValueError(f"{where}: {text[:40]!r} is no time") from None


def _whole(size: float | None) -> int:
    """A size in bytes; 0 where there is none, or none that one can count to."""
    return int(size) if size is not None and isfinite(size) else 0


def _milliseconds(one: HarEntry) -> float:
    """How long it took; of what has no `time` by its parts, of which -1 is none either."""
    if one.milliseconds is not None and one.milliseconds >= 0:
        return one.milliseconds
    parts = [(one.timings or {}).get(name) for name in _PARTS]
    return sum(max(0.0, part) for part in parts if isinstance(part, int | float))


def _length(headers: Iterable[Pair]) -> int:
    """What Content-Length says; 0 when nothing."""
    value = next((one.value or "" for one in headers if one.name.lower() == "content-length"), "")
    return int(value) if value.isdecimal() and len(value) <= _DIGITS else 0


def _is_cut(request: Request, where: str) -> bool:
    """Whether the body of a request was not recorded, or not all of it: nobody can say what it deserved."""
    if request.method.upper() not in _WITH_BODY:
        return False
    size = _whole(request.size) or _length(request.headers)
    body = _asked(request.post, where)
    if not body:
        return size != 0
    return len(body) < size and decode_json(body) is NOT_JSON


def _left_out(method: str, response: Response, body: bytes) -> int | None:
    """The length of an answer's body that was not recorded, or not all of it; None when it was."""
    if method.upper() == "HEAD" or not response.status or response.status in _WITHOUT:
        return None
    content = response.content
    said = _whole(content.size) if content is not None else -1
    if content is None or content.text is None:
        length = said if said > 0 else _length(response.headers)
        return length if length or said < 0 else None
    # Of what was compressed some tools give the size on the wire, which for a short text is larger.
    return said if len(body) < said and decode_json(body) is NOT_JSON else None


def _is_exact(one: HarEntry, body: bytes) -> bool:
    """Whether messages are surely what was on the wire: text that a tool has decoded and could not, is not.

    Nor is an answer without any header: whoever recorded it has left them out.
    """
    post, content = one.request.post, one.response.content
    rebuilt = post is not None and post.text is None
    coded = content is not None and (content.encoding or "").lower() == "base64"
    told = content is not None and content.text is not None and _whole(content.size) == len(body)
    if rebuilt or not one.response.headers:
        return False
    return coded or (told and "\ufffd".encode() not in body)
