"""Recognize credentials: names that indicate one, and values that a request sent as one."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from evolink_check.traffic.key_shapes import keys_in_path, looks_like_key
from evolink_check.traffic.placeholders import SHORT, bearer_key, is_distinctive, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.traffic.trace import Exchange

_TAIL = 100  # characters at the end of a name that decide what it names
_NAMES = 4_096  # names whose meaning is remembered: a trace has few, each of them thousands of times
_WORDS = 20  # of the value of a header that are looked at
_LONGEST = 8192  # characters: longer values are not searched for elsewhere
_SECRET_ENDS = (
    "accesskey", "accesskeyid", "apikey", "authentication", "authkey", "authorization", "bearer", "clientkey", "cookie",
    "cred", "credential", "functionkey", "functionskey", "jwtassertion", "masterkey", "passcode", "passphrase",
    "passwd", "password", "privatekey", "pwd", "secret", "secretkey", "sessionid", "signature", "subscriptionkey",
    "token",
)  # fmt: skip
_SECRET_WORDS = {
    "auth",
    "jwt",
    "key",
    "otp",
    "pass",
    "pin",
    "session",
    "sid",
    "ticket",
}  # as a whole name, or at the end of a header's
_NO_SECRETS = {"idempotency", "websocket"}  # words of headers that end in `key` but are not secret
_SHORTEST = 3  # characters of a key
_COUNTS = re.compile(r"limit|remaining|max|total|usage")  # names such as max_tokens: numbers of tokens
_SEPARATORS = re.compile(r"[-_. ]")
_NUMBERING = re.compile(r"[-_. ]?v?[0-9]{1,3}$")
_MEMBER = re.compile(r'"([^"\\]{1,100})"\s{0,9}:\s{0,9}"([^"\\]{8,8192})"')

# The head of a part of a multipart form (RFC 7578), and the end of the part.
_PART = re.compile(
    r"^content-disposition:([^\r\n]*+)\r?\n(?:[^\r\n]++\r?\n){0,8}+\r?\n", re.IGNORECASE | re.MULTILINE
)
_PART_NAME = re.compile(r";\s{0,9}name=\"?([^\";]*+)", re.IGNORECASE)
_PART_END = re.compile(r"\r?\n--")


def names_secret(name: str) -> bool:
    """Whether a field with this name holds a credential, in any spelling: `api_key`, `accessToken`."""
    return _names_secret(name.strip()[-_TAIL:])


@lru_cache(_NAMES)
def _names_secret(name: str) -> bool:
    lower = _base_name(name)
    joined = _SEPARATORS.sub("", lower)
    return joined.endswith(_SECRET_ENDS) or joined.removeprefix("x") in _SECRET_WORDS


def _base_name(name: str) -> str:
    """The name in lower case without a number or a plural at its end: `X-Api-Keys`, `apiKey2`, `secret_v2`."""
    lower = _NUMBERING.sub("", name.strip().lower()[-_TAIL:])
    is_plural = lower.endswith("s") and not lower.endswith(("ss", "cs")) and not _COUNTS.search(lower)
    return lower[:-1] if is_plural else lower


def header_names_secret(name: str) -> bool:
    """Whether a header with this name holds a credential; more names count than in a body."""
    return _header_names_secret(name.strip()[-_TAIL:])


@lru_cache(_NAMES)
def _header_names_secret(name: str) -> bool:
    words = _SEPARATORS.split(_base_name(name))
    return _names_secret(name) or (words[-1] in _SECRET_WORDS and _NO_SECRETS.isdisjoint(words))


def bearer_keys_in(exchange: Exchange) -> set[str]:
    """The bearer keys of a request, in every notation in which they may appear elsewhere."""
    return _notations(filter(None, map(bearer_key, _authorizations(exchange))))


def credentials_in(exchange: Exchange) -> set[str]:
    """The other credentials of a request, in every notation in which they may appear elsewhere."""
    return _notations(value for value in _credentials_of(exchange) if is_distinctive(value))


def short_keys_in(exchange: Exchange) -> set[str]:
    """The keys of a request that are too short or plain to be removed from every text: they may be ordinary words."""
    sent = [
        value.strip().rpartition(" ")[2]
        for name, value in exchange.request_headers
        if header_names_secret(name) and name.strip().lower() not in {"cookie", "set-cookie"}
    ]
    plain = {key for key in sent if _SHORTEST <= len(key) < 2 * SHORT and not is_placeholder(key)}
    return {key for key in plain if len(key) < SHORT or not is_distinctive(key)}


def _notations(values: Iterable[str]) -> set[str]:
    return {
        notation
        for value in values
        if len(value) <= _LONGEST
        for notation in (value, quote(value, safe="", errors="replace"), json.dumps(value)[1:-1])
    }


def _authorizations(exchange: Exchange) -> list[str]:
    return [value for name, value in exchange.request_headers if name.strip().lower() == "authorization"]


def _credentials_of(exchange: Exchange) -> Iterator[str]:
    for name, value in exchange.request_headers:
        if header_names_secret(name):
            yield from _in_header(name.strip().lower(), value.strip())
        else:
            yield from (word for word in value.split()[:_WORDS] if looks_like_key(word, name))
    yield from _in_url(exchange.url)
    body = exchange.request_body
    if b"form-data" in body[:4096]:
        yield from (value for name, value in form_parts(body.decode("latin-1")) if names_secret(name))
    elif body[:1] in {b"{", b"["}:
        members = _MEMBER.findall(body.decode("utf-8", "replace"))
        yield from (value for name, value in members if names_secret(name))
    elif b"=" in body:
        yield from _in_form(body.decode("latin-1"))


def _in_header(name: str, value: str) -> Iterator[str]:
    """The credentials in a header: its value without the scheme, the values of cookies, the password of Basic."""
    scheme, _, rest = value.partition(" ")
    if name == "cookie":
        yield from (cookie.partition("=")[2].strip() for cookie in value.split(";"))
    elif name == "authorization" and scheme.lower() == "bearer":
        return
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
    yield from _in_form(parts.query)


def _in_form(text: str) -> Iterator[str]:
    try:
        pairs = parse_qsl(text, max_num_fields=1000)
    except ValueError:
        return
    yield from (value for name, value in pairs if names_secret(name))


def form_parts(text: str) -> Iterator[tuple[str, str]]:
    """The name and the value of each part of a multipart form."""
    for name, start, end in part_places(text):
        yield name, text[start:end]


def part_places(text: str) -> Iterator[tuple[str, int, int]]:
    """The name of each part of a multipart form, and the start and the end of its value in the text."""
    ended = 0
    for part in _PART.finditer(text):
        name = _PART_NAME.search(part[1])
        if part.start() < ended or name is None:
            continue
        end = _PART_END.search(text, part.end())
        ended = len(text) if end is None else end.start()
        yield name[1], part.end(), ended
