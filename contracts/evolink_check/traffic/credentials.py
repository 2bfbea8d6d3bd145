"""Find the credentials that a request sent.

A trace may contain a credential as sent, percent-encoded, or escaped as in JSON.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from evolink_spec.credentials.members import secret_strings
from evolink_spec.credentials.names import header_names_secret, names_secret, parameter_names_secret
from evolink_spec.credentials.texts import named_values

from evolink_check.traffic.key_shapes import keys_in_path, looks_like_key
from evolink_check.traffic.placeholders import SHORT, bearer_key, is_distinctive, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.traffic.trace import Exchange

_REMEMBERED = 256  # credentials, headers and URLs
_REPEATED = 256  # characters of a header or URL that may be repeated
_WORDS = 20  # only this many words of a header's value are searched
_LONGEST = 8192  # characters: longer values are not searched for elsewhere
_SHORTEST = 3  # characters of a key
SHORT_KEYS = 100  # maximum number of keys that are remembered although they may equal an ordinary word
_MEMBER = re.compile(r'"([^"\\]{1,100})"\s{0,9}:\s{0,9}"([^"\\]{8,8192})"')

# The head of a part of a multipart form (RFC 7578), and the end of the part.
_PART = re.compile(
    r"^content-disposition:([^\r\n]*+)\r?\n(?:[^\r\n]++\r?\n){0,8}+\r?\n", re.IGNORECASE | re.MULTILINE
)
_PART_NAME = re.compile(r";\s{0,9}name=\"?([^\";]*+)", re.IGNORECASE)
_PART_END = re.compile(r"\r?\n--")


def bearer_keys_in(exchange: Exchange) -> set[str]:
    """Return the API keys that the request sent as bearer tokens.

    The result contains each key in three forms: as sent, percent-encoded, and escaped as in JSON.
    """
    return _notations(filter(None, map(bearer_key, _authorizations(exchange))))


def credentials_in(exchange: Exchange) -> set[str]:
    """Return credentials such as cookies and passwords in URLs, without bearer keys.

    The result contains each credential in three forms: as sent, percent-encoded, and escaped as in JSON.
    """
    return _notations(value for value in _credentials_of(exchange) if is_distinctive(value))


def codes_in(exchange: Exchange) -> set[str]:
    """Return the values of query parameters that may be secrets, such as `code`.

    The result contains each value in three forms: as sent, percent-encoded, and escaped as in JSON. If the path does
    not contain `/v1/`, the result is empty.
    """
    path, _, query = exchange.url.partition("?")
    # A result link is left alone, because it must match the request that fetches it.
    pairs = parse_qsl(query[:_LONGEST]) if "/v1/" in path else []
    return _notations(
        value for name, value in pairs if parameter_names_secret(name) and is_distinctive(value)
    )


def short_keys_in(exchange: Exchange) -> set[str]:
    """Return the short API keys in the headers.

    A short key may equal an ordinary word, such as `test`.
    """
    # These keys are removed from texts that no rule checks.
    sent = ((name, value.strip().rpartition(" ")[2]) for name, value in exchange.request_headers)
    return {key for name, key in sent if _SHORTEST <= len(key) < 2 * SHORT and _is_short_key(name, key)}


@lru_cache(_REMEMBERED)
def _is_short_key(name: str, key: str) -> bool:
    names_key = header_names_secret(name) and name.strip().lower() not in {"cookie", "set-cookie"}
    return names_key and may_be_a_word(key) and not is_placeholder(key)


def may_be_a_word(key: str) -> bool:
    """Return whether an API key may equal an ordinary word, such as `test`."""
    return len(key) < SHORT or (len(key) < 2 * SHORT and not is_distinctive(key))


def _notations(values: Iterable[str]) -> set[str]:
    return {notation for value in values if len(value) <= _LONGEST for notation in _notations_of(value)}


@lru_cache(_REMEMBERED)
def _notations_of(value: str) -> tuple[str, ...]:
    return (
        value,
        quote(value, safe="", errors="replace"),
        json.dumps(value)[1:-1],
    )


def _authorizations(exchange: Exchange) -> list[str]:
    return [value for name, value in exchange.request_headers if name.strip().lower() == "authorization"]


def _credentials_of(exchange: Exchange) -> Iterator[str]:
    for name, value in exchange.request_headers:
        repeated = len(name) + len(value) <= _REPEATED
        yield from _in_repeated_header(name, value) if repeated else _in_header(name, value)
    yield from _in_repeated_url(exchange.url) if len(exchange.url) <= _REPEATED else _in_url(exchange.url)
    body = exchange.request_body
    if b"form-data" in body[:4096]:
        yield from (value for name, value in form_parts(body.decode("latin-1")) if names_secret(name))
    elif body[:1] in {b"{", b"["}:
        yield from _in_json(body)
    elif b"=" in body:
        yield from _in_form(body.decode("latin-1"))


@lru_cache(_REMEMBERED)
def _in_repeated_header(name: str, value: str) -> tuple[str, ...]:
    return tuple(_in_header(name, value))


@lru_cache(_REMEMBERED)
def _in_repeated_url(url: str) -> tuple[str, ...]:
    return tuple(_in_url(url))


def _in_header(name: str, value: str) -> Iterator[str]:
    if header_names_secret(name):
        yield from _in_secret_header(name.strip().lower(), value.strip())
    else:
        yield from (word for word in value.split()[:_WORDS] if looks_like_key(word, name))


def _in_secret_header(name: str, value: str) -> Iterator[str]:
    scheme, _, rest = value.partition(" ")
    if name == "cookie":
        yield from (cookie.partition("=")[2].strip() for cookie in value.split(";"))
    elif name == "authorization" and scheme.lower() == "bearer":
        if bearer_key(value) is None:  # it looks like a placeholder, but may be a key
            yield rest.strip()
    else:
        yield rest.strip() or scheme
        if scheme.lower() == "basic":
            yield from _in_basic(rest.strip())


def _in_basic(text: str) -> Iterator[str]:
    try:
        pair = b64decode(text, validate=True).decode()
    except ValueError:
        return
    yield from (pair, pair.partition(":")[2])


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield parts.password
    yield from keys_in_path(parts.path)
    yield from named_values(unquote(parts.path))
    yield from _in_form(parts.query)


def _in_json(body: bytes) -> Iterable[str]:
    try:
        return secret_strings(json.loads(body))
    except (ValueError, RecursionError):
        members = _MEMBER.findall(body.decode("utf-8", "replace"))
        return [value for name, value in members if names_secret(name)]


def _in_form(text: str) -> Iterator[str]:
    try:
        pairs = parse_qsl(text, max_num_fields=1000)
    except ValueError:
        return
    yield from (value for name, value in pairs if names_secret(name))


def form_parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each part of a multipart form."""
    for name, start, end in part_places(text):
        yield name, text[start:end]


def part_places(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name and the place of each part of a multipart form.

    The place is the start and end index of its value in `text`.
    """
    ended = 0
    for part in _PART.finditer(text):
        name = _PART_NAME.search(part[1])
        if part.start() < ended or name is None:
            continue
        end = _PART_END.search(text, part.end())
        ended = len(text) if end is None else end.start()
        yield name[1], part.end(), ended
