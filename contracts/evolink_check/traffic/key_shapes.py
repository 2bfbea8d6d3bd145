"""Recognize keys by their form, in paths and in fields whose names do not indicate a credential."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 8192  # characters of a value that may be a key
_TOKEN = re.compile(r"[A-Za-z0-9_\-]{20,}={0,2}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
# The prefixes of well-known kinds of keys, and JSON Web Tokens.
_PREFIXED = re.compile(
    r"(?:[spr]k|api|key|pat|tok)[-_][A-Za-z0-9_\-]{8,}|AIza[\w\-]{30,}|gh[pousr]_\w{20,}|glpat-[\w\-]{20,}"
    r"|xox[abeprs]-[\w\-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\w\-]{8,}\.[\w\-.]*"
)
_IN_PATH = re.compile(r"[A-Za-z0-9]{20,}")
# Words of the names of headers whose values look like keys but identify something else.
_IDENTIFIERS = {
    "accept", "agent", "boundary", "checksum", "cid", "content", "correlation", "date", "digest", "etag", "hash", "id",
    "idempotency", "if", "match", "md5", "nonce", "parent", "range", "ray", "request", "requestid", "sec", "sha256",
    "span", "spanid", "trace", "traceid", "traceparent", "tracestate", "type", "uuid", "version",
}  # fmt: skip
_SEPARATORS = re.compile(r"[-_. ]")


def looks_like_key(value: str, name: str = "") -> bool:
    """Return whether a value has the form of a key.

    `name` is the name of the header with this value, if any: a name such as `X-Request-Id` indicates an identifier.
    """
    if len(value) > _LONGEST:
        return False
    if _PREFIXED.fullmatch(value):
        return any(map(str.isdigit, value))
    if not _IDENTIFIERS.isdisjoint(_SEPARATORS.split(name.strip().lower())):
        return False
    return _HEXADECIMAL.fullmatch(value) is not None or (
        _TOKEN.fullmatch(value) is not None and _is_mixed(value)
    )


def keys_in_path(path: str) -> Iterator[str]:
    """Yield the segments of a path that look like keys: long and mixed, or with the prefix of a well-known key."""
    for segment in path.split("/"):
        if (_IN_PATH.fullmatch(segment) and _is_mixed(segment)) or (
            len(segment) <= _LONGEST and _PREFIXED.fullmatch(segment) and any(map(str.isdigit, segment))
        ):
            yield segment


def _is_mixed(value: str) -> bool:
    """Return whether a value has digits, capital letters and small letters, as random keys have."""
    return any(map(str.isdigit, value)) and any(map(str.isupper, value)) and any(map(str.islower, value))
