"""Write a trace as an HTTP Archive 1.2, and read archives as a trace.

Secrets are removed. The member `_evolink` contains the facts for which HAR has no field. `from_har` therefore reads
such a file without loss.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from evolink_check.traffic.exchange_redaction import redact_trace
from evolink_check.traffic.har.reader import origin_of, read_archives
from evolink_check.traffic.har.schema import EntryFacts, LogFacts
from evolink_check.traffic.trace import Account, Trace
from evolink_check.traffic.urls import normalized_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evolink_check.traffic.trace import Entry

CREATOR = "evolink-check"


# The library harfile is not used, because it does not support `_evolink` and cannot read files.
def to_har(trace: Trace, version: str) -> dict[str, Any]:
    """Convert a trace to a HAR document without secrets.

    Entry N of the trace becomes `log.entries[N]`.
    """
    plain = redact_trace(trace)
    facts = LogFacts(
        tuple(plain.accounts.values()),
        plain.origin,
        plain.receiver,
        plain.watched_until,
        plain.scale,
        plain.complete,
        plain.task_limit,
    )
    return {
        "log": {
            **_head(version),
            "_evolink": msgspec.to_builtins(facts),
            "entries": [har_entry(entry) for entry in plain.entries],
        }
    }


def har_log(facts: LogFacts, version: str) -> tuple[bytes, bytes]:
    """Return the parts of a HAR file before and after its entries.

    A caller can then write the entries one by one.
    """
    start = json.dumps(_head(version))[:-1]
    end = json.dumps(msgspec.to_builtins(facts))
    return f'{{"log": {start}, "entries": [\n'.encode(), f'\n], "_evolink": {end}}}}}\n'.encode()


def _head(version: str) -> dict[str, Any]:
    return {"version": "1.2", "creator": {"name": CREATOR, "version": version}}


def from_har(documents: Iterable[tuple[str, Any]], origin: str = "") -> Trace:
    """Merge HAR documents into one trace, ordered by time.

    `documents` are pairs of a file name and a document. Files of evolink-check are read without loss. In files of other
    tools, this function replaces the API keys by account labels.

    Many tools omit the Authorization header. A request without this header is therefore attributed to an unknown
    account. The mock exports its journal as a HAR file. In this file, a missing header means that the request had no
    API key.

    Responses from a cache and requests without a recorded body are left out. If an entry is invalid and its request did
    not go to the API, the entry is left out. The notes of the trace state what was left out.

    `origin` is the base URL of the API. If `origin` is empty, the base URL is taken from a file of evolink-check. If
    there is no such file, `origin_of` guesses the base URL from the requests.

    Raises ValueError if a file is not a HAR file, or if the files were recorded with different clock scales. Raises
    ValueError if an entry is invalid and its request went to the API. The error names the file and the invalid entry.
    """
    origin = normalized_url(origin)
    files = read_archives(documents, origin)
    entries = [entry for file in files for entry in file.entries]
    facts = [file.facts for file in files if file.facts is not None]
    if len({fact.scale for fact in facts}) > 1:
        names = ", ".join(file.name for file in files if file.facts is not None)
        raise ValueError(f"{names}: recorded at different scales of time")
    return Trace(
        _in_order(entries),
        _merge_accounts(facts),
        origin
        or next((normalized_url(fact.origin) for fact in facts if fact.origin), "")
        or origin_of(entries),
        next((fact.receiver for fact in facts if fact.receiver), ""),
        max((fact.watched_until for fact in facts), default=0.0),
        facts[0].scale if facts else 1.0,
        complete=bool(files) and all(file.complete for file in files),
        task_limit=max((fact.task_limit for fact in facts), default=0.0),
        redacted=not facts,  # files of other tools are redacted when they are read
        short_keys=frozenset().union(*(file.short_keys for file in files)),
        other_models=not facts,
        notes=tuple(note for file in files for note in file.notes),
    )


def _in_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    ordered = sorted(entries, key=lambda entry: entry.began)
    return tuple(
        entry if entry.number == number else replace(entry, number=number)
        for number, entry in enumerate(ordered)
    )


def _merge_accounts(facts: Iterable[LogFacts]) -> Mapping[str, Account]:
    by_label: dict[str, Account] = {}
    for account in (account for fact in facts for account in fact.accounts):
        if by_label.setdefault(account.label, account) != account:
            by_label[account.label] = Account(account.label)  # the files disagree: no fact is known
    return by_label


def har_entry(entry: Entry) -> dict[str, Any]:
    """Convert an entry of a trace to a HAR entry.

    The secrets of the entry must have been removed.
    """
    exchange = entry.exchange
    milliseconds = max(0.0, round((entry.ended - entry.began) * 1000, 3))
    facts = EntryFacts(
        entry.began,
        entry.ended,
        entry.kind,
        entry.who,
        entry.exact,
        entry.problem,
        entry.case,
        entry.media,
        entry.size,
    )
    return {
        "startedDateTime": datetime.fromtimestamp(entry.began, UTC).isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(exchange.method, exchange.url, exchange.request_headers, exchange.request_body),
        "response": _response(exchange.status, exchange.response_headers, exchange.response_body, entry.size),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "_evolink": msgspec.to_builtins(facts),
    }


def _request(method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> dict[str, Any]:
    request = {"method": method, "url": url, "queryString": [], **_message(headers, len(body))}
    if not body:
        return request
    text, coding = _text_and_encoding(body)
    more = {"_encoding": coding} if coding else {}
    return {**request, "postData": {"mimeType": _type(headers), "text": text, **more}}


def _response(
    status: int, headers: tuple[tuple[str, str], ...], body: bytes, size: int | None
) -> dict[str, Any]:
    text, coding = _text_and_encoding(body)
    content = {"size": len(body) if size is None else size, "mimeType": _type(headers)}
    if size is None:
        content |= {"text": text, **({"encoding": coding} if coding else {})}
    target = next((value for name, value in headers if name.lower() == "location"), "")
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
        "redirectURL": target,
        "content": content,
        **_message(headers, len(body)),
    }


def _message(headers: tuple[tuple[str, str], ...], size: int) -> dict[str, Any]:
    return {
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "headersSize": -1,
        "bodySize": size,
    }


def _text_and_encoding(body: bytes) -> tuple[str, str]:
    try:
        return body.decode(), ""
    except UnicodeDecodeError:
        return b64encode(body).decode("ascii"), "base64"


def _type(headers: tuple[tuple[str, str], ...]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
