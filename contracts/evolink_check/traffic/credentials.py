"""Which values of an exchange were sent as credentials, so that they can be removed wherever they appear again."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.traffic.trace import Exchange

SHORT = 8  # characters: a shorter value may stand somewhere by chance
_LONGEST = 8192  # characters of a value that is looked for elsewhere

_SECRET = (
    r"(?:authorization|authentication|cookie|api[-_]?key|(?:subscription|access|private|secret|master|functions?)[-_]?key"  # noqa: S105  (names)
    r"|token|jwt|secret|credentials?|password|passwd|passphrase|signature|session[-_]?id|sid)"
)
# In the name of a header, of a field or of a member of JSON.
_NAMES_SECRET = re.compile(rf"(?:(?:.*[-_ .])?{_SECRET}|(?:x[-_])?(?:auth|key|session))", re.IGNORECASE)
_NAMES_SECRET_HEADER = re.compile(r"(?!idempotency|sec-websocket).*[-_](?:auth|key|session)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:bearer|basic|digest|token|apikey|key)\s+", re.IGNORECASE)
_FIELD = re.compile(rb'[^\n]*form-data\s*;[^\n]*\bname="?([^";\r\n]*)', re.IGNORECASE)
_MEMBER = re.compile(r'"([^"\\]{1,100})"\s{0,9}:\s{0,9}"([^"\\]{8,8192})"')


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _NAMES_SECRET.fullmatch(name.strip()) is not None


def header_names_secret(name: str) -> bool:
    """Whether a header of this name holds a secret: more names are suspect than in a body."""
    return names_secret(name) or _NAMES_SECRET_HEADER.fullmatch(name.strip()) is not None


def credentials_in(exchange: Exchange) -> set[str]:
    """The values that the request of an exchange sent as credentials, in each notation in which they may come back."""
    values = {_SCHEME.sub("", text.strip(), count=1) for text in _sent(exchange)}
    return {
        notation
        for value in values
        if SHORT <= len(value) <= _LONGEST
        for notation in (value, quote(value, safe=""), json.dumps(value)[1:-1])
    }


def _sent(exchange: Exchange) -> Iterator[str]:
    for name, value in exchange.request_headers:
        if header_names_secret(name):
            yield value
            yield from _parts(name.lower(), value)
    yield from _of_url(exchange.url)
    body = exchange.request_body
    if b"form-data" in body[:4096]:
        yield from (value.decode("latin-1") for _, value in secret_parts(body))
    elif body[:1] in {b"{", b"["}:
        yield from (
            value for name, value in _MEMBER.findall(body.decode("utf-8", "replace")) if names_secret(name)
        )
    elif b"=" in body:
        yield from _of_form(body.decode("latin-1"))


def _parts(name: str, value: str) -> Iterator[str]:
    """The values within a header: of cookies, of Basic authentication."""
    if "cookie" in name:
        yield from (part.partition("=")[2].strip() for part in value.split(";"))
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = b64decode(rest, validate=True).decode()
        except (Error, ValueError):
            return
        yield from (pair, pair.partition(":")[2])


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield parts.password
    yield from _of_form(parts.query)


def _of_form(text: str) -> Iterator[str]:
    try:
        pairs = parse_qsl(text, max_num_fields=1000)
    except ValueError:
        return
    yield from (value for name, value in pairs if names_secret(name))


def secret_parts(body: bytes) -> Iterable[tuple[tuple[int, int], bytes]]:
    """The secret values of a multipart form (RFC 7578), each with the place where it begins and ends."""
    begin, name, within = 0, b"", False
    for line in body.splitlines(keepends=True):
        end = begin + len(line)
        if line.startswith(b"--"):
            name, within = b"", False
        elif within:
            if value := line.strip():
                place = begin + line.index(value)
                yield (place, place + len(value)), value
        elif name and not line.strip():
            within = True
        elif field := _FIELD.match(line):
            name = field[1] if names_secret(field[1].decode("latin-1")) else b""
        begin = end


def present(keys: Iterable[str], exchange: Exchange) -> list[str]:
    """Those of many known keys that stand somewhere in an exchange: a search that costs little where there are none."""
    headers = (*exchange.request_headers, *exchange.response_headers)
    text = "\n".join((exchange.url, *(value for _, value in headers)))
    bodies = exchange.request_body + b"\n" + exchange.response_body
    return [key for key in keys if key in text or key.encode("utf-8", "surrogatepass") in bodies]
