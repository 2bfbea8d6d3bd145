"""Redact exchanges and traces: their URLs, headers and bodies.

A body without secrets is not changed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_spec.credentials.names import header_names_secret
from evolink_spec.credentials.shapes import is_uuid

from evolink_check.traffic.body_redaction import redact_body, redact_value
from evolink_check.traffic.credentials import bearer_keys_in, codes_in, credentials_in
from evolink_check.traffic.key_shapes import names_identifier
from evolink_check.traffic.known_keys import KEY, KnownKeys
from evolink_check.traffic.text_redaction import (
    NO_KEYS,
    REMOVED,
    mark,
    mask_words,
    redact_text,
    redact_url,
    redact_words,
)
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Exchange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from evolink_check.traffic.trace import Entry, Kind, Trace

Headers = tuple[tuple[str, str], ...]
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_COMMON = 64  # characters of the name of a header that may be repeated
_SCHEMES = {"bearer", "basic", "digest", "token", "apikey"}


def redact_trace(trace: Trace, keys: Iterable[str] = ()) -> Trace:
    """Replace `keys`, and all credentials that requests sent, by marks in the whole trace."""
    credentials = KnownKeys(keys)
    if trace.redacted and not credentials:
        return trace
    for entry in trace.entries:
        add_credentials(credentials, entry.exchange, entry.kind)
    entries = tuple(redact_entry(entry, credentials) for entry in trace.entries)
    return replace(trace, entries=entries, receiver=redact_url(trace.receiver, credentials))


def add_credentials(keys: KnownKeys, exchange: Exchange, kind: Kind = "exchange") -> None:
    """Add the credentials of a request to `keys`, so that marks replace them.

    `kind` is "exchange" if the request was sent to the API. The mark of the request's bearer key is then
    `[removed:key]`. From this mark, rules can tell that a URL or a body contained an API key.
    """
    for key in bearer_keys_in(exchange):
        _add(keys, key, KEY if kind == "exchange" else mark(key))
    # The query of a callback URL is replaced as a whole, so that a delivery matches the URL of its task.
    codes = codes_in(exchange) if kind == "exchange" else set()
    for credential in credentials_in(exchange) | codes:
        _add(keys, credential, mark(credential))


def _add(keys: KnownKeys, credential: str, replacement: str) -> None:
    for spelled in dict.fromkeys((credential, credential.lower(), credential.upper())):
        keys.add(spelled, replacement)


def redact_entry(entry: Entry, keys: KnownKeys = NO_KEYS) -> Entry:
    """Return the entry without secrets in its exchange, its `problem` and its `case`."""
    return replace(
        entry,
        exchange=redact_exchange(entry.exchange, entry.who, keys),
        problem=redact_text(entry.problem, keys),
        case=redact_text(entry.case, keys),
    )


def mask_entry(entry: Entry, words: Collection[str]) -> Entry:
    """Replace the short API keys `words` in an entry.

    The replacement may also change an ordinary word that equals a short key. Therefore, rules must not check the masked
    entry.
    """
    if not words:
        return entry
    exchange = entry.exchange
    return replace(
        entry,
        exchange=replace(
            exchange,
            url=mask_words(exchange.url, words),
            request_headers=_mask_headers(exchange.request_headers, words),
            request_body=_mask_body(exchange.request_body, words),
            response_headers=_mask_headers(exchange.response_headers, words),
            response_body=_mask_body(exchange.response_body, words),
        ),
        problem=mask_words(entry.problem, words),
    )


def _mask_headers(headers: Headers, words: Collection[str]) -> Headers:
    return tuple((name, mask_words(value, words)) for name, value in headers)


def _mask_body(body: bytes, words: Collection[str]) -> bytes:
    text = body.decode("latin-1")
    if text[:1] in {"{", "["}:
        # Change strings alone, so that numbers remain numbers.
        plain = _JSON_STRING.sub(lambda found: mask_words(found[0], words), text)
    else:
        plain = mask_words(text, words)
    return plain.encode("latin-1")


def redact_exchange(exchange: Exchange, who: str = UNKNOWN, keys: KnownKeys = NO_KEYS) -> Exchange:
    """Return an exchange without secrets.

    The account label `who` replaces the API key in the Authorization header.
    """
    return Exchange(
        exchange.method,
        redact_url(exchange.url, keys, identifiers="/v1/" not in exchange.url),
        tuple(redact_header(*header, who, keys) for header in exchange.request_headers),
        redact_body(exchange.request_body, keys),
        exchange.status,
        tuple(redact_header(*header, who, keys) for header in exchange.response_headers),
        redact_body(exchange.response_body, keys),
    )


def redact_header(name: str, value: str, who: str = UNKNOWN, keys: KnownKeys = NO_KEYS) -> tuple[str, str]:
    """Redact a header.

    An API key becomes the label of its account, as in `Bearer [main]`. A cookie becomes `[removed]`.
    """
    if len(name) > _COMMON:
        return _redact_header(value, name, who, keys)
    return keys.once(_redact_header, value, name, who)


def _redact_header(value: str, name: str, who: str, keys: KnownKeys) -> tuple[str, str]:
    if not header_names_secret(name):
        plain = redact_value(value, keys)
        return name, plain if names_identifier(name) or is_uuid(value) else redact_words(plain)
    scheme, _, rest = value.strip().partition(" ")
    if name.strip().lower() != "authorization" or (scheme and scheme.lower() not in _SCHEMES):
        return name, REMOVED if value.strip() else value
    label = f"[{who}]" if who not in {NOBODY, UNKNOWN, "server"} else REMOVED
    return name, f"{scheme} {label}" if rest else value
