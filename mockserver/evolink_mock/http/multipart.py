"""Parse a `multipart/form-data` body (RFC 7578)."""

from __future__ import annotations

import re
from typing import NamedTuple

_BOUNDARY = re.compile(
    rb'multipart/form-data\b.*?;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE
)
_PARAMETER = re.compile(rb';\s*(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_MOST_PARTS = 100


class Part(NamedTuple):
    """One field of a form. `file_name` is empty if the field is not a file."""

    name: str
    file_name: str
    content_type: str
    data: bytes


def parse_form(content_type: bytes, body: bytes) -> list[Part] | None:
    """Return the fields of a form.

    Returns None if the content type has no boundary. Returns None if the body does not contain the boundary.
    """
    match = _BOUNDARY.match(content_type)
    if match is None:
        return None
    delimiter = b"\r\n--" + (match[1] or match[2])
    first, *rest = (b"\r\n" + body).split(delimiter, _MOST_PARTS)
    if not rest or first.strip() or not rest[-1].startswith(b"--"):
        return None
    parts = [_part(text) for text in rest[:-1]]
    return [part for part in parts if part is not None]


def _part(text: bytes) -> Part | None:
    head, separator, data = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
    }
    names = {
        name.lower(): value for name, value in _PARAMETER.findall(headers.get(b"content-disposition", b""))
    }
    if not separator or b"name" not in names:
        return None
    name, file_name = (names.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
    return Part(name, file_name, headers.get(b"content-type", b"").decode("latin-1"), data)
