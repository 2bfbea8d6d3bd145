"""Recognize API keys by a known prefix or by many random characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from evolink_spec.credentials.shapes import (
    LONGEST,
    is_identifier_like,
    is_key,
    is_prefixed_key,
    is_random,
    is_uuid,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Words of the names of headers whose values look like keys but identify something else.
_IDENTIFIERS = {
    "accept", "agent", "boundary", "checksum", "cid", "content", "correlation", "date", "digest", "etag", "hash", "id",
    "idempotency", "if", "match", "md5", "nonce", "parent", "range", "ray", "request", "requestid", "sec", "sha256",
    "span", "spanid", "trace", "traceid", "traceparent", "tracestate", "type", "uuid", "version",
}  # fmt: skip
_SEPARATORS = re.compile(r"[-_. ]")


def looks_like_key(value: str, name: str = "") -> bool:
    """Return whether the value of a header called `name` looks like an API key."""
    if len(value) > LONGEST:
        return False
    if is_prefixed_key(value):
        return True
    if names_identifier(name):
        return False
    return is_key(value) and not is_uuid(value)


def names_identifier(name: str) -> bool:
    """Return whether a header called `name` contains an identifier, such as a request id.

    The value of such a header may look like an API key without being one.
    """
    return not _IDENTIFIERS.isdisjoint(_SEPARATORS.split(name.strip().lower()))


def keys_in_path(path: str) -> Iterator[str]:
    """Yield the segments of a path that look like API keys.

    Such a segment is long and random, or has a known prefix.
    """
    for segment in path.split("/"):
        segment = unquote(segment)  # noqa: PLW2901
        if is_prefixed_key(segment) or (is_random(segment) and not is_identifier_like(segment)):
            yield segment
