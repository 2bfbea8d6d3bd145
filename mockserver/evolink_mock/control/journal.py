"""The exchanges of an account as JSON and as HTTP Archive 1.2, without secrets. Pure.

What is removed is what is accepted as a credential, here or by a receiver: the headers in `CREDENTIALS`, the user
part, query and fragment of every URL, in headers and in bodies, and the token wherever else it stands. Where
that was, `KEY_REMOVED` says so: a key in a URL or a body is a fault that a reader has to see.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_mock.domain.deliveries import Attempt, Delivery
    from evolink_mock.domain.exchange import Exchange

CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"}
)
REMOVED = "[removed]"
KEY_REMOVED = "[removed:key]"  # the token of the account, where it has no place
WARNING = "warning: "  # before a note on what is let pass but is hardly meant
_SHORT = 16  # characters: a token that is shorter may be a word
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*:(?:\\?/){2})(?:[^/?#\s\"'<>\\]*@)?(?P<rest>[^?#\s\"'<>]*)(?P<query>[?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
_WHOLE_URL = re.compile(r"([a-z][a-z0-9+.-]*:(?:\\?/){2})[^\s\"'<>]+", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-f])", re.IGNORECASE)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Made(NamedTuple):
    """One attempt of a delivery, with the body that was sent."""

    owed: Delivery
    attempt: Attempt
    body: bytes


def secrets_of(token: str) -> tuple[str, ...]:
    """What is removed wherever it stands: the token, with and without a recipe, unless it may be a word."""
    return tuple(text for text in (token, token.partition("~")[0]) if len(text) >= _SHORT)


def clean(text: str, secrets: Sequence[str] = ()) -> str:
    """A text without the credentials of its URLs, and without the secrets."""
    for secret in secrets:
        text = text.replace(secret, KEY_REMOVED)
    return _URL.sub(_url, text)


def _url(found: re.Match[str]) -> str:
    query = found["query"]
    return f"{found['scheme']}{found['rest']}{f'{query[0]}{_removed(query)}' if query else ''}"


def _removed(query: str, secrets: Sequence[str] = ()) -> str:
    """What stands for a query or a fragment, which may be percent-encoded."""
    plain = unquote_plus(query)
    return KEY_REMOVED if any(secret in plain for secret in (KEY_REMOVED, *secrets)) else REMOVED


def clean_headers(
    headers: Iterable[tuple[bytes, bytes]], secrets: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Headers as text; the values of credentials are removed."""
    found = []
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        found.append((name, _hidden(value) if name.lower() in CREDENTIALS else clean(value, secrets)))
    return found


def _hidden(value: str) -> str:
    """What stands for a credential: that it is a bearer token, which is documented, is no secret."""
    return f"Bearer {REMOVED}" if value[:7].lower() == "bearer " else REMOVED


def clean_body(body: bytes, secrets: Sequence[str] = ()) -> str:
    """A body as text: every string of a JSON value cleaned. Of what is no JSON, or was cut short, no URL is kept."""
    try:
        return _encode(_cleaned(_decode(body), secrets)).decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        for secret in secrets:
            text = text.replace(secret, KEY_REMOVED)
        return _WHOLE_URL.sub(rf"\1{REMOVED}", text)


def _cleaned(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return clean(value, secrets)
    if isinstance(value, list):
        return [_cleaned(one, secrets) for one in value]
    if isinstance(value, dict):
        return {clean(name, secrets): _cleaned(one, secrets) for name, one in value.items()}
    return value


def violations(exchange: Exchange) -> list[str]:
    """What of the contract a request broke: why it was refused with a 400, and what it is warned of."""
    refused = exchange.status == 400  # noqa: PLR2004
    return [note for note in exchange.notes if refused or note.startswith(WARNING)]


def entry(exchange: Exchange, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """One exchange as JSON. Nothing in it depends on how long anything really took."""
    broken = violations(exchange)
    return {
        "at": exchange.at,
        "method": exchange.method,
        "path": clean(exchange.path, secrets),
        "status": exchange.status,
        "task_id": exchange.task_id or None,
        "violations": [clean(note, secrets) for note in broken],
        "notes": [clean(note, secrets) for note in exchange.notes if note not in broken],
        "request": {
            "headers": clean_headers(exchange.request_headers, secrets),
            "body": clean_body(exchange.request_body, secrets) if exchange.request_body else "",
        },
        "answer": {
            "headers": clean_headers(exchange.answer_headers, secrets),
            "body": clean_body(exchange.answer_body, secrets) if exchange.answer_body else None,
        },
    }


def har(
    exchanges: Iterable[Exchange], calls: Iterable[Made], version: str, secrets: Sequence[str] = ()
) -> dict[str, Any]:
    """HTTP Archive 1.2 of exchanges and callback attempts, in order of time; `time` is real milliseconds."""
    found = [(one.at, _exchange(one, secrets)) for one in exchanges]
    found += [(one.attempt.at, _call(one, secrets)) for one in calls]
    found.sort(key=lambda dated: dated[0])
    creator = {"name": "evolink-mock", "version": version}
    return {"log": {"version": "1.2", "creator": creator, "entries": [one for _, one in found]}}


def _exchange(exchange: Exchange, secrets: Sequence[str]) -> dict[str, Any]:
    headers = clean_headers(exchange.request_headers, secrets)
    host = next((value for name, value in headers if name.lower() == "host"), "unknown")
    query = f"?{_removed(exchange.query.decode('latin-1'), secrets)}" if exchange.query else ""
    url = f"{exchange.scheme}://{host}{clean(exchange.path, secrets)}{query}"
    request = _request(exchange.method, url, headers, clean_body(exchange.request_body, secrets))
    answered = clean_headers(exchange.answer_headers, secrets)
    body = clean_body(exchange.answer_body, secrets) if exchange.answer_body else ""
    return {
        **_dated(exchange.at, exchange.seconds),
        "request": request,
        "response": _response(exchange.status, answered, body),
        "_task_id": exchange.task_id or None,
        "_violations": [clean(note, secrets) for note in violations(exchange)],
        "_callback": False,
    }


def _call(made: Made, secrets: Sequence[str]) -> dict[str, Any]:
    owed, attempt = made.owed, made.attempt
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(made.body)))]
    request = _request("POST", clean(owed.target.url, secrets), headers, clean_body(made.body, secrets))
    return {
        **_dated(attempt.at, attempt.seconds),
        "request": request,
        "response": {**_response(attempt.status or 0, [], ""), "_error": attempt.problem},
        "_task_id": owed.task_id,
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


def _request(method: str, url: str, headers: Sequence[tuple[str, str]], body: str) -> dict[str, Any]:
    found = {"method": method, "url": url, "queryString": [], **_message(headers, len(body.encode()))}
    return {**found, "postData": {"mimeType": _type(headers), "text": body}} if body else found


def _response(status: int, headers: Sequence[tuple[str, str]], body: str) -> dict[str, Any]:
    size = len(body.encode())
    content = {"size": size, "mimeType": _type(headers), "text": body}
    found = {"status": status, "statusText": "", "redirectURL": "", "content": content}
    return {**found, **_message(headers, size if body else -1)}
