"""Convert an entry of a HAR file to an entry of a trace."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from evolink_check.traffic.har.bodies import is_exact, post_body, request_body, response_body
from evolink_check.traffic.har.headers import Headers, header_value
from evolink_check.traffic.har.schema import HarEntry, Request, Response, number
from evolink_check.traffic.text_redaction import redact_url
from evolink_check.traffic.trace import Entry, Exchange
from evolink_check.traffic.urls import normalized_url

_SERVER = "server"  # the label of the sender of deliveries
_PARTS = ("blocked", "dns", "connect", "send", "wait", "receive")  # `ssl` is within `connect`
_LONGEST = 10.0**6  # seconds, about eleven days: no exchange takes longer
_LARGEST_STATUS = 999
# A number below _FIRST_YEAR is not a Unix time; a number from _MILLISECONDS on is in milliseconds.
_FIRST_YEAR, _MILLISECONDS = 1e8, 1e11
_CACHES = {"memory cache", "disk cache"}  # of WebKit
_REPEATED = 256  # characters of a URL that may be repeated
_SHOWN = 80  # characters of a malformed value in an error


def to_entry(entry: HarEntry, who: str, *, exact: bool, streams: bool = False, place: int = 0) -> Entry:
    """Convert a HAR entry to an entry of a trace.

    `who` is the label of the account that sent the request. If the entry is a callback, `who` is ignored, and the label
    is `server`. `streams` is True if the recording tool does not record streamed bodies. `place` is the number of the
    new entry in the trace. Raises ValueError if the time, URL, status or a body is invalid.
    """
    began = _began(entry.started)
    response = entry.response or Response()
    status = _status(response.status)
    body = response_body(entry.request.method, status, response, streams=streams)
    sent = request_body(entry.request)
    return Entry(
        place,
        Exchange(
            entry.request.method,
            _valid_url(entry.request.url),
            _request_headers(entry.request),
            post_body(entry.request.post) if sent is None else sent,
            status,
            response.plain_headers,
            body.data,
        ),
        began,
        began + _seconds(entry),
        kind="delivery" if entry.callback else "exchange",
        who=_SERVER if entry.callback else who,
        exact=exact and is_exact(entry, body.data),
        problem="" if status else _problem(response),
        size=body.size,
        task_id=entry.task_id if isinstance(entry.task_id, str) else "",
    )


def is_from_cache(entry: HarEntry) -> bool:
    """Return whether the response came from a browser's cache and not from the server."""
    return bool(entry.cached) or (isinstance(entry.fetched, str) and entry.fetched.lower() in _CACHES)


def authorization(entry: HarEntry) -> str | None:
    """Return the value of the Authorization header of a request.

    Returns None if the request has no such header.
    """
    value = header_value(entry.request.plain_headers, "authorization")
    return None if value is None else value.strip()


def _problem(response: Response) -> str:
    texts = (response.failure, response.error)
    return next((text for text in texts if text and isinstance(text, str)), "no answer")


def _valid_url(url: str) -> str:
    return _valid_repeated_url(url) if len(url) <= _REPEATED else _normalized(url)


@lru_cache(1_024)
def _valid_repeated_url(url: str) -> str:
    return _normalized(url)


def _normalized(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname or ""
    except ValueError:
        raise ValueError(f"invalid URL: {redact_url(url)[:_SHOWN]!r}") from None
    if any(char.isspace() for char in host) or (parts.scheme in {"http", "https"} and not host):
        raise ValueError(f"invalid URL: {redact_url(url)[:_SHOWN]!r}")
    return normalized_url(url)


def _status(value: Any) -> int:
    if value is None or value == "":
        return 0
    # Some tools write the status as text.
    status = number(value.split()[0] if isinstance(value, str) and value.split() else value)
    if status is None or status != int(status) or status > _LARGEST_STATUS:
        shown = value[:_SHOWN] if isinstance(value, str) else status
        raise ValueError(f"invalid status: {shown!r}")
    return max(0, int(status))


def _request_headers(request: Request) -> Headers:
    headers, post = request.plain_headers, request.post
    # Some HAR files contain no headers, but the type of the body.
    return headers if headers or post is None or not post.kind else (("Content-Type", post.kind),)


def _began(value: str | float) -> float:
    # Some tools write the time as a number of seconds or milliseconds.
    text = value if isinstance(value, str) else repr(value)
    is_date = text[4:5] == "-"  # no number from `_FIRST_YEAR` on has a sign at this place
    if not is_date and (seconds := number(value)) is not None and seconds >= _FIRST_YEAR:
        return seconds if seconds < _MILLISECONDS else seconds / 1000
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).timestamp()  # an OverflowError at either end of the calendar
    except (ValueError, OverflowError):
        raise ValueError(f"invalid time: {text[:_SHOWN]!r}") from None


def _seconds(entry: HarEntry) -> float:
    milliseconds = number(entry.milliseconds)
    if milliseconds is None or not milliseconds >= 0:
        timings = entry.timings if isinstance(entry.timings, dict) else {}
        parts = [number(timings.get(name)) for name in _PARTS]
        milliseconds = sum(max(0.0, part) for part in parts if part is not None)
    return min(milliseconds / 1000, _LONGEST)
