"""What must not be kept or shown is removed: keys, users and query strings of URLs, cookies. Pure.

What is removed leaves a mark of the same length that a URI may hold, with sixteen bits of a digest: a limit on length
can still be judged, a link still matches its fetch and a callback URL its delivery, and nothing can be read out of
it. Whatever else is in a body stays as it was, to the byte. A URL that was cleaned is not changed by cleaning it again.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.traffic.credentials import SHORT, header_names_secret, names_secret, secret_parts
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Collection

    from evolink_check.traffic.trace import Exchange, Trace

REMOVED = "[removed]"
KEY = "[removed:key]"  # what every recorder writes, and the rules look for, where a key stood outside of its header
_ROOM = len("removed-0000")
_MARK = re.compile(r"removed|(?:removed-[0-9a-f]{4}|~[0-9a-f]{0,4})\.*[ ^]?")
_OF_URI = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")

# A text that is one URL, in whatever notation, and URLs within a text (escaped slashes and percent codes included).
_ONE = re.compile(
    r"(?P<lead>\s*(?:[a-z][a-z0-9+.\-]{0,30}:)?[/\\]*)(?P<user>[^/?#]*@)?(?P<rest>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_LOOKS_LIKE_ONE = re.compile(r"\s*(?:[a-z][a-z0-9+.\-]{0,30}:)?[/\\]{2}[^\n]*", re.IGNORECASE)
_SIGN = r"%3f|%23|\\{1,9}u00(?:3f|23)"  # a question mark or a hash, escaped
_WITHIN = re.compile(
    r"(?P<lead>(?:\\{0,9}/|%2f|\\{1,9}u002f){2})(?P<user>[^/?#\s\"<>\\]*(?:@|%40))?"
    rf"(?P<rest>[^?#\s\"<>%\\]*(?:(?!{_SIGN})[%\\][^?#\s\"<>%\\]*)*)"
    rf"(?P<sign>\?|#|{_SIGN})?(?P<query>(?<=[?#fF3])[^\s\"<>]*)?",
    re.IGNORECASE,
)
# A part of a path that looks like a key: long, without a word, in letters of both cases and digits.
_KEY_IN_PATH = re.compile(
    r"(?<=/)(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{24,}(?=/|\Z)"
)
_AFTER = "'),.;:\\"  # what stands behind a URL in a sentence rather than in it

_SECRET = (
    r"(?:authorization|cookie|api[-_]?key|subscription[-_]?key|token|secret|credentials?|password|passwd|signature"  # noqa: S105  (names)
    r"|session[-_]?id)"
)
_NAMES_CALLBACK = re.compile(r".*(?:callback|webhook)", re.IGNORECASE)
_TOLD = re.compile(
    rf"(?P<name>{_SECRET}[\\\"']{{0,9}}\s{{0,9}}[:=]\s{{0,9}}[\\\"']{{0,9}}(?:(?:bearer|basic|digest)\s{{1,9}})?)(?!\[removed|(?:bearer|basic|digest)\b)[^\s\"'\\,;}}&\[]{{6,}}",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"(?P<name>\bbearer\s{1,9})(?=[a-z._~+/=\-]*[0-9])[a-z0-9._~+/=\-]{12,}|\bsk-[a-z0-9_\-]{8,}|\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*",
    re.IGNORECASE,
)
# What a text must hold, in lower case, for each of the three to find anything.
_SLASHES = ("//", "\\/", "%2f", "u002f")
_NAMES = ("authorization", "cookie", "key", "token", "secret", "credential", "passw", "signature", "session")
_STARTS = ("bearer", "sk-", "eyj")
_SCHEMES = {"bearer", "basic", "digest", "token", "apikey"}
# A string of JSON, with a colon when it is a name; one that is cut off ends with the text, and is looked at once only.
_LITERAL = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)(?:(")(\s*:)?|\\?\Z)', re.DOTALL)


def redact_trace(trace: Trace, keys: Collection[str] = ()) -> Trace:
    """The trace as it may be kept. `keys` are those that whoever recorded it knows."""
    if trace.redacted and not keys:
        return trace
    entries = tuple(
        replace(
            entry,
            exchange=redact_exchange(entry.exchange, entry.who, keys),
            problem=redact_text(entry.problem, keys),
            case=redact_text(entry.case, keys),
        )
        for entry in trace.entries
    )
    return replace(trace, entries=entries, receiver=redact_url(trace.receiver, keys), redacted=True)


def redact_exchange(exchange: Exchange, who: str = UNKNOWN, keys: Collection[str] = ()) -> Exchange:
    """An exchange without secrets; Authorization names who asked."""
    return replace(
        exchange,
        url=redact_url(exchange.url, keys),
        request_headers=tuple(redact_header(*one, who, keys) for one in exchange.request_headers),
        request_body=redact_body(exchange.request_body, keys),
        response_headers=tuple(redact_header(*one, who, keys) for one in exchange.response_headers),
        response_body=redact_body(exchange.response_body, keys),
    )


def redact_header(name: str, value: str, who: str = UNKNOWN, keys: Collection[str] = ()) -> tuple[str, str]:
    """A header without secrets: `Bearer [main]` for a key, `[removed]` for cookies and the like."""
    if not header_names_secret(name):
        return name, redact_value(value, keys)
    scheme, _, rest = value.strip().partition(" ")
    if name.strip().lower() != "authorization" or (scheme and scheme.lower() not in _SCHEMES):
        return name, REMOVED if value.strip() else value
    label = f"[{who}]" if who not in {NOBODY, UNKNOWN, "server"} else REMOVED
    return name, f"{scheme} {label}" if rest else value


def redact_value(value: str, keys: Collection[str] = (), name: str = "") -> str:
    """A text that stands for itself, such as a string of JSON or a header; `name` is what it is called there."""
    if names_secret(name):
        return REMOVED if value and value != KEY else value
    if _NAMES_CALLBACK.match(name) or _LOOKS_LIKE_ONE.fullmatch(value):
        return redact_url(value, keys)
    if value[:1] in {"{", "[", '"'}:
        return _less_json(value, keys) or redact_text(value, keys)
    return redact_text(value, keys)


def redact_url(url: str, keys: Collection[str] = ()) -> str:
    """A URL, or a path with its query, without user, query and fragment."""
    found = _ONE.fullmatch(_less_keys(url, keys))
    if found is None:
        return redact_text(url, keys)
    user, query, fragment = (found[part] or "" for part in ("user", "query", "fragment"))
    path = _KEY_IN_PATH.sub(lambda key: _mark(key[0]), found["rest"])
    tail = "".join(f"{part[0]}{_mark(part[1:])}" for part in (query, fragment) if part)
    return f"{found['lead']}{_mark(user[:-1])}{user[-1:]}{redact_text(path)}{tail}"


def redact_text(text: str, keys: Collection[str] = ()) -> str:
    """A text with URLs and keys somewhere in it."""
    plain = _less_keys(text, keys)
    lower = plain.lower()  # most texts hold nothing that the patterns would have to look at
    if any(sign in lower for sign in _SLASHES):
        plain = _WITHIN.sub(_less_query, plain)
    if any(name in lower for name in _NAMES):
        plain = _TOLD.sub(_less_name, plain)
    return _KEYS.sub(_less_name, plain) if any(start in lower for start in _STARTS) else plain


def redact_body(body: bytes, keys: Collection[str] = ()) -> bytes:
    """A body: each string of JSON on its own; what is no JSON as a text; the very same bytes without secrets."""
    if b"form-data" in body:
        body = _less_parts(body)
    for coding in dict.fromkeys((json.detect_encoding(body), "utf-8", "latin-1")):
        try:
            text = body.decode(coding)
        except UnicodeDecodeError:
            continue
        plain = _less_json(text, keys) or redact_text(_less_strings(text, keys), keys)
        return body if plain == text else plain.encode(coding, "replace")
    raise AssertionError  # latin-1 decodes everything


def _less_parts(body: bytes) -> bytes:
    """A multipart form without the values of its secret fields."""
    begin, kept = 0, []
    for (start, end), value in secret_parts(body):
        kept += [body[begin:start], value if value == REMOVED.encode() else REMOVED.encode()]
        begin = end
    return b"".join((*kept, body[begin:]))


def _less_json(text: str, keys: Collection[str]) -> str | None:
    """JSON with its strings cleaned in their places; None when it is none."""
    try:
        json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return _less_strings(text, keys)


def _less_strings(text: str, keys: Collection[str]) -> str:
    """A text in which whatever looks like a string of JSON is cleaned, the rest is not looked at."""
    name = ""

    def cleaned(found: re.Match[str]) -> str:
        nonlocal name
        written, closing, colon = found[1], found[2] or "", found[3]
        try:
            value = json.loads(f'"{written}"', strict=False) if "\\" in written else written
        except ValueError:  # in what is no JSON
            return found[0]
        if not (value or colon):
            return found[0]
        if colon:
            name = value
            plain = value if value.isidentifier() and not keys else redact_text(value, keys)
        else:
            plain = redact_value(value, keys, name)
        return found[0] if plain == value else f"{_as_written(plain, written)[:-1]}{closing}{colon or ''}"

    return _LITERAL.sub(cleaned, text)


def _as_written(value: str, written: str) -> str:
    """A string of JSON in the manner of another one: with or without escapes of slashes and letters."""
    encoded = json.dumps(value, ensure_ascii=written.isascii())
    return encoded.replace("/", r"\/") if r"\/" in written else encoded


def _less_keys(text: str, keys: Collection[str]) -> str:
    for key in sorted(keys, key=len, reverse=True):
        if len(key) >= SHORT:
            text = text.replace(key, KEY)
    return text


def mask_words(text: str, words: Collection[str]) -> str:
    """A text in which each of these words, where it stands alone, is a mark of the same length: for short keys.

    Not for what is judged: such a word may also stand there by chance.
    """
    for word in words:
        pattern = rf"(?<![A-Za-z0-9_-]){re.escape(word)}(?![A-Za-z0-9_-])"
        text = re.sub(pattern, _mark(word), text)
    return text


def _less_query(found: re.Match[str]) -> str:
    user, sign, query = found["user"] or "", found["sign"] or "", found["query"] or ""
    at = re.search(r"@\Z|%40\Z", user, re.IGNORECASE)
    if at:
        user = f"{_mark(user[: at.start()])}{at[0]}"
    told = query.rstrip(_AFTER)
    rest, after = (found["rest"], query[len(told) :]) if sign else (found["rest"], query)
    return f"{found['lead']}{user}{rest}{sign}{_mark(told)}{after}"


def _less_name(found: re.Match[str]) -> str:
    return f"{found['name'] or ''}{REMOVED}"


def _mark(secret: str) -> str:
    """What stands where a secret stood: of its length, a URI where it was one, equal for equal secrets only."""
    if not secret or _MARK.fullmatch(secret):
        return secret
    if KEY in secret or secret == REMOVED:
        return KEY if KEY in secret else "removed"
    odd = _oddity(secret)
    size = len(secret) - len(odd)
    digest = sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:4]
    mark = f"removed-{digest}" if size >= _ROOM else f"~{digest[: max(0, size - 1)]}"
    return mark.ljust(size, ".") + odd


def _oddity(secret: str) -> str:
    """A space, or a character that no URI holds, where there was one: a bad URL stays a bad URL."""
    if any(char.isspace() for char in secret):
        return " "
    return "" if _OF_URI.fullmatch(secret) else "^"
