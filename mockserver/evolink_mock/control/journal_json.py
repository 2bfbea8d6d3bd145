"""Export exchanges as JSON and as HTTP Archive 1.2, without credentials."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from evolink_mock.control.recorded_body import BodyText, request_text
from evolink_mock.domain.exchange import violation_texts
from evolink_mock.domain.redaction import Redactor, credential_values, merged
from evolink_mock.http.requests import token_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_mock.domain.deliveries import Attempt, Delivery
    from evolink_mock.domain.exchange import Exchange, Violation

_WORD = re.compile(r"[\w.~-]+")


class SentCallback(NamedTuple):
    """One attempt to deliver a callback."""

    delivery: Delivery
    attempt: Attempt
    body: bytes  # of the request that was sent


def redactor_of(exchanges: Iterable[Exchange], *tokens: str) -> Redactor:
    """Return a redactor for these tokens and all credentials in these requests."""
    sent = [
        credential_values(exchange.request_headers, exchange.query, exchange.request_body, exchange.path)
        for exchange in exchanges
    ]
    return Redactor(tokens, merged(sent))


def words_of(exchanges: Iterable[Exchange]) -> set[str]:
    """Return all words in the recorded requests and responses.

    A word consists of letters, digits and the characters `_`, `.`, `~` and `-`.
    """
    words: set[str] = set()
    for exchange in exchanges:
        values = [
            value for headers in (exchange.request_headers, exchange.answer_headers) for _, value in headers
        ]
        raw = b" ".join((exchange.query, exchange.request_body, exchange.answer_body, *values))
        words.update(_WORD.findall(unquote_plus(f"{exchange.path} {raw.decode('utf-8', 'replace')}")))
    return words


def entry(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """Return one request and its response as JSON data."""
    broken = violation_texts(exchange)
    # Durations in real time are omitted, so that equal test runs give equal data.
    return {
        "at": exchange.at,
        "method": exchange.method,
        "path": redactor.text(exchange.path),
        "status": exchange.status,
        "task_id": exchange.task_id or None,
        "violations": [redactor.text(note) for note in broken],
        "notes": [redactor.text(note) for note in exchange.notes if note not in broken],
        "request": {
            "headers": redactor.headers(exchange.request_headers),
            "body": request_text(exchange, redactor).text,
        },
        "answer": {
            "headers": redactor.headers(exchange.answer_headers),
            "body": _sent_body(exchange, redactor) or None,
        },
    }


def _sent_body(exchange: Exchange, redactor: Redactor) -> str:
    return (
        "" if exchange.method == "HEAD" or not exchange.answer_body else redactor.body(exchange.answer_body)
    )


def violation_entry(violation: Violation, redactor: Redactor) -> dict[str, Any]:
    """Return one violation as JSON data."""
    return {
        "at": violation.at,
        "method": violation.method,
        "path": redactor.text(violation.path),
        "status": violation.status,
        "text": redactor.text(violation.text),
    }


def har_entries(
    exchanges: Iterable[Exchange],
    callbacks: Iterable[SentCallback],
    redactor: Redactor,
    own_token: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield HTTP Archive entries for requests and callback attempts, in order of time.

    Durations are in milliseconds of real time. `own_token` is the token of the client that asks for the archive. The
    member `_own_key` is true if the request was sent with `own_token`.
    """
    dated = [(exchange.at, partial(_exchange, exchange, redactor, own_token)) for exchange in exchanges]
    dated += [(callback.attempt.at, partial(_callback, callback, redactor)) for callback in callbacks]
    dated.sort(key=lambda pair: pair[0])
    for _, entry in dated:
        yield entry()


def har(entries: Sequence[dict[str, Any]], version: str, dropped: int = 0) -> dict[str, Any]:
    """Return an HTTP Archive 1.2 with these entries.

    `dropped` is the number of older requests that the journal has lost.
    """
    creator = {"name": "evolink-mock", "version": version}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries, "_dropped": dropped}}


def _exchange(exchange: Exchange, redactor: Redactor, own_token: str) -> dict[str, Any]:
    authorization = next((value for name, value in exchange.request_headers if name == b"authorization"), b"")
    headers = redactor.headers(exchange.request_headers)
    host = next((value for name, value in headers if name.lower() == "host"), "unknown")
    query = f"?{redactor.query(exchange.query.decode('latin-1'))}" if exchange.query else ""
    url = f"{exchange.scheme}://{host}{redactor.text(exchange.path)}{query}"
    request = _request(exchange.method, url, headers, request_text(exchange, redactor))
    response_headers = redactor.headers(exchange.answer_headers)
    body = _sent_body(exchange, redactor)
    return {
        **_dated(exchange.at, exchange.seconds),
        "request": request,
        "response": _response(exchange.status, response_headers, body),
        "_task_id": exchange.task_id or None,
        "_violations": [redactor.text(note) for note in violation_texts(exchange)],
        "_callback": False,
        "_own_key": bool(own_token) and token_of(authorization) == own_token,
    }


def _callback(callback: SentCallback, redactor: Redactor) -> dict[str, Any]:
    delivery, attempt = callback.delivery, callback.attempt
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(callback.body)))]
    url = redactor.text(delivery.target.url)
    return {
        **_dated(attempt.at, attempt.seconds),
        "request": _request("POST", url, headers, BodyText(redactor.body(callback.body))),
        "response": {**_response(attempt.status or 0, [], ""), "_error": attempt.problem},
        "_task_id": delivery.task_id,
        "_violations": [],
        "_callback": True,
    }


def _dated(at: float, seconds: float) -> dict[str, Any]:
    milliseconds = round(seconds * 1000, 3)
    started = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    timings = {"send": 0, "wait": milliseconds, "receive": 0}
    return {"startedDateTime": started, "time": milliseconds, "cache": {}, "timings": timings}


def _message(headers: Sequence[tuple[str, str]], size: int) -> dict[str, Any]:
    return {
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "headersSize": -1,
        "bodySize": size,
    }


def _type(headers: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _request(method: str, url: str, headers: Sequence[tuple[str, str]], body: BodyText) -> dict[str, Any]:
    size = len(body.text.encode()) if body.size is None else body.size
    request = {"method": method, "url": url, "queryString": [], **_message(headers, size)}
    if not body.text:
        return request
    notes = {"encoding": body.encoding, "comment": body.comment}
    post = {"mimeType": _type(headers), "text": body.text} | {
        name: note for name, note in notes.items() if note
    }
    return {**request, "postData": post}


def _response(status: int, headers: Sequence[tuple[str, str]], body: str) -> dict[str, Any]:
    size = len(body.encode())
    content = {"size": size, "mimeType": _type(headers), "text": body}
    response = {"status": status, "statusText": "", "redirectURL": "", "content": content}
    return {**response, **_message(headers, size if body else -1)}
