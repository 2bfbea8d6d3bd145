"""Check the `Range` header of a download. An invalid `Range` header is ignored (RFC 9110, section 14.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[bytes, bytes]]

_RANGE = re.compile(rb"([0-9]{1,18})-([0-9]{1,18})?|-[0-9]{1,18}")


def without_invalid_range(headers: Headers) -> Headers:
    """Return the headers without `Range` if its value is invalid."""
    lines = [value for name, value in headers if name == b"range"]
    if not lines or (len(lines) == 1 and is_valid_range(lines[0])):
        return headers
    return [(name, value) for name, value in headers if name != b"range"]


def is_valid_range(value: bytes) -> bool:
    """Return whether the value of a `Range` header is valid.

    Examples of valid values are `bytes=0-99` and `bytes=5-,-20`.
    """
    unit, equals, ranges = value.partition(b"=")
    items = [item for item in map(bytes.strip, ranges.split(b",")) if item]
    if not equals or unit.strip().lower() != b"bytes" or not items:
        return False
    return all(_is_range(item) for item in items)


def _is_range(item: bytes) -> bool:
    match = _RANGE.fullmatch(item)
    if match is None:
        return False
    return match[2] is None or int(match[1]) <= int(match[2])
