"""Read HAR documents of any tool as entries of a trace.

Labels replace the API keys. Notes list the unusable entries that were left out.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.credentials import SHORT_KEYS, short_keys_in
from evolink_check.traffic.exchange_redaction import add_credentials, redact_entry
from evolink_check.traffic.har.bodies import content_body, post_body, request_body
from evolink_check.traffic.har.entries import authorization, is_from_cache, to_entry
from evolink_check.traffic.har.file_loading import decode_entry
from evolink_check.traffic.har.schema import Archive, HarEntry, Response, convert_record
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.placeholders import bearer_key
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Entry, Exchange
from evolink_check.traffic.urls import normalized_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.traffic.har.schema import Log, LogFacts

DOCUMENTED = "https://api.evolink.ai"
MOCK = "evolink-mock"
_STREAMING = "mitmproxy"
_REFUSED = 401
_EXAMPLES = 3  # maximum number of omitted entries that a note lists
_INVALID = "invalid and not sent to the API"
_LATEST = 253_402_300_799.0  # Unix seconds of the end of the calendar


@dataclass(frozen=True, slots=True)
class ReadArchive:
    """The entries of one HAR document."""

    name: str
    entries: tuple[Entry, ...]
    facts: LogFacts | None  # None if the file was not written by evolink-check
    complete: bool  # whether the file contains all traffic of the client
    notes: tuple[str, ...] = ()  # which entries were left out, and why
    short_keys: frozenset[str] = frozenset()  # API keys in headers that may equal an ordinary word


@dataclass(slots=True)
class _Labels:
    taken: set[str]  # labels that the files already contain
    by_key: dict[str, str] = field(default_factory=dict)

    def label(self, key: str) -> str:
        if key not in self.by_key:
            count = len(self.by_key) + 1
            while f"key-{count}" in self.taken:
                count += 1
            self.by_key[key] = f"key-{count}"
            self.taken.add(f"key-{count}")
        return self.by_key[key]


@dataclass(slots=True)
class _OmittedEntries:
    entries: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, place: int, detail: str = "") -> None:
        self.entries.setdefault(reason, []).append(f"entry {place}{detail and ': '}{detail}")

    def notes(self, name: str) -> tuple[str, ...]:
        """Return a note for each reason why entries were left out.

        Each note lists at most three omitted entries.
        """
        return tuple(
            f"{name}: {len(places)} left out, {reason} ({'; '.join(places[:_EXAMPLES])}{_more(places)})"
            for reason, places in self.entries.items()
        )


def _more(places: list[str]) -> str:
    return "; ..." if len(places) > _EXAMPLES else ""


def read_archives(documents: Iterable[tuple[str, Any]], origin: str = "") -> list[ReadArchive]:
    """Read HAR documents, and remove the API keys from documents of other tools.

    `origin` is the base URL of the API. If `origin` is empty, the documented host and paths identify the API.

    Raises ValueError if a file is not a HAR file. Raises ValueError if an entry is invalid and its request went to the
    API. The error names the file and the invalid entry.
    """
    archives = [
        (name, convert_record(document, Archive, f"{name}: not a HAR file").log)
        for name, document in documents
    ]
    accounts = (account for _, log in archives if log.facts is not None for account in log.facts.accounts)
    labels = _Labels({account.label for account in accounts})
    files = [
        _own_entries(name, log, origin or log.facts.origin)
        if log.facts is not None
        else _other_tool_entries(name, log, labels, origin)
        for name, log in archives
    ]
    keys = KnownKeys(labels.by_key)
    foreign = [file for file in files if file.facts is None]
    for entry in (entry for file in foreign for entry in file.entries):
        add_credentials(keys, entry.exchange, entry.kind)
    return [file if file.facts is not None else _redact_file(file, keys) for file in files]


def origin_of(entries: Iterable[Entry]) -> str:
    """Guess the base URL of the API from the requests.

    If any request went to the documented server, returns the base URL of that server. If none did, returns the base URL
    to which most requests for documented paths were sent. Returns an empty string if no request went to a documented
    path.
    """
    urls = [entry.exchange.url for entry in entries if entry.kind == "exchange"]
    if any(f"{url}/".startswith(f"{DOCUMENTED}/") for url in urls):
        return DOCUMENTED
    paths = _documented_paths()
    origins = Counter(
        url.partition(path)[0] for url in urls for path in paths if path in url and "://" in url
    )
    return origins.most_common(1)[0][0] if origins else ""


def _documented_paths() -> list[str]:
    from evolink_spec import load

    spec = load()
    return [spec.query.path.partition("{")[0], *(path for _, path in spec.creates)]


def _own_entries(name: str, log: Log, origin: str) -> ReadArchive:
    entries = []
    left_out = _OmittedEntries()
    for number, value in _consumed(log.entries):
        try:
            entry = convert_record(value, HarEntry, "not a HAR entry")
            entries.append(_own_entry(number, entry))
        except ValueError as error:
            _refuse_if_of_api(value, origin, f"{name}: entry {number}: {error}")
            left_out.add(_INVALID, number, str(error))
    facts = log.facts
    if facts is not None and not (
        _is_time(facts.watched_until)
        and _is_time(facts.task_limit)
        and isfinite(facts.scale)
        and facts.scale > 0
    ):
        raise ValueError(f"{name}: invalid `_evolink`: a number is out of range")
    complete = facts is not None and facts.complete
    return ReadArchive(name, tuple(entries), facts, complete=complete, notes=left_out.notes(name))


def _refuse_if_of_api(value: Any, origin: str, problem: str) -> None:
    if _is_of_api(value, origin):
        raise ValueError(problem)


def _consumed(values: list[Any]) -> Iterator[tuple[int, Any]]:
    for place in range(len(values)):
        value, values[place] = values[place], None  # free memory
        yield place, decode_entry(value)


def _own_entry(number: int, entry: HarEntry) -> Entry:
    response, facts = entry.response or Response(), entry.facts
    if facts is None:
        raise ValueError("`_evolink` is missing, although evolink-check wrote the file")
    if not (_is_time(facts.began) and _is_time(facts.ended)):
        raise ValueError("invalid `_evolink`: a time is out of range")
    exchange = Exchange(
        entry.request.method,
        entry.request.url,
        entry.request.plain_headers,
        post_body(entry.request.post),
        response.status or 0,
        response.plain_headers,
        b"" if facts.size is not None else content_body(response.content),
    )
    return Entry(
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


def _is_time(seconds: float) -> bool:
    return abs(seconds) <= _LATEST


def _other_tool_entries(name: str, log: Log, labels: _Labels, origin: str) -> ReadArchive:
    tool = log.creator.get("name") if isinstance(log.creator, dict) else log.creator
    creator = tool.lower() if isinstance(tool, str) else ""
    mock = creator == MOCK
    # The mock's journal is about one key, which it does not contain, and its JSON is formatted anew.
    only = labels.label(f"the key of {name}") if mock else ""
    entries: list[Entry] = []
    left_out = _OmittedEntries()
    for place, value in _consumed(log.entries):
        try:
            entry = convert_record(value, HarEntry, "not a HAR entry")
            if reason := _reason_to_leave_out(entry):
                left_out.add(reason, place)
                continue
            who = _label_in_journal(entry, only) if mock else _label_of_sender(entry, labels)
            entries.append(
                to_entry(entry, who, exact=not mock, streams=_STREAMING in creator, place=len(entries))
            )
        except ValueError as error:
            _refuse_if_of_api(value, origin, f"{name}: entry {place}: {error}")
            left_out.add(_INVALID, place, str(error))
    return ReadArchive(name, tuple(entries), None, complete=mock, notes=left_out.notes(name))


def _reason_to_leave_out(entry: HarEntry) -> str:
    if is_from_cache(entry):
        return "answered from a browser's cache"
    return "without the body of the request" if request_body(entry.request) is None else ""


def _is_of_api(value: Any, origin: str) -> bool:
    # `value` is a `HarEntry`, or the JSON value of an invalid entry.
    if isinstance(value, HarEntry):
        url: Any = value.request.url
    else:
        request = value.get("request") if isinstance(value, dict) else None
        url = request.get("url") if isinstance(request, dict) else None
    if not isinstance(url, str):
        return False
    with suppress(ValueError):
        url = normalized_url(url)
    base = origin or DOCUMENTED
    if f"{url}/".startswith(f"{base}/"):
        return True
    return not origin and any(path in url.partition("?")[0] for path in _documented_paths())


def _redact_file(file: ReadArchive, keys: KnownKeys) -> ReadArchive:
    short_keys = dict.fromkeys(key for entry in file.entries for key in short_keys_in(entry.exchange))
    entries = tuple(redact_entry(entry, keys) for entry in file.entries)
    return replace(file, entries=entries, short_keys=frozenset(islice(short_keys, SHORT_KEYS)))


def _label_of_sender(entry: HarEntry, labels: _Labels) -> str:
    value = authorization(entry)
    key = None if value is None else bearer_key(value)
    if key is None:
        return UNKNOWN  # many tools omit the header or replace its value
    return labels.label(key) if key else NOBODY


def _label_in_journal(entry: HarEntry, only: str) -> str:
    # A journal contains the requests of one account, whose label is `only`, with all headers.
    value = authorization(entry)
    if value is None:
        return NOBODY
    status = entry.response.status if entry.response is not None else None
    # A request without `Bearer` that got a 401 counts as sent without an API key.
    is_key = value.lower().startswith("bearer ") or status != _REFUSED
    return only if is_key else NOBODY
