"""Convert a recorded request body to text without credentials.

Compressed bodies are decompressed. Binary bodies are encoded as base64.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.domain.exchange import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.redaction import Redactor

_WINDOW_BITS = {
    b"gzip": 31,
    b"x-gzip": 31,
    b"deflate": 15,
}  # the argument `wbits` of zlib, by content coding
_DIGITS = 15  # maximum number of digits of a Content-Length


class BodyText(NamedTuple):
    """A request body as an HTTP Archive describes it."""

    text: str
    encoding: str = ""  # base64 for binary content
    comment: str = ""  # how much of the body was recorded; empty for a complete body
    size: int | None = None  # in bytes; -1 if the client did not state it; None if it is the size of `text`


def request_text(exchange: Exchange, redactor: Redactor) -> BodyText:
    """Return the recorded request body. At most the first `KEPT` bytes of a body are recorded."""
    recorded = exchange.request_body
    if not recorded:
        return BodyText("")
    headers = {name.lower(): value for name, value in exchange.request_headers}
    body = _decompress_beginning(recorded, headers.get(b"content-encoding", b""))
    size, comment = None, ""
    if len(recorded) == KEPT:
        size = _content_length(headers)
        whole = "an unknown number of" if size < 0 else str(size)
        comment = f"the first {KEPT} of {whole} bytes" if size != KEPT else ""
    if _is_text(body):
        return BodyText(redactor.body(body), "", comment, size)
    # Latin-1 decodes binary content byte for byte, so that credentials, which are ASCII, are found and removed.
    redacted = redactor.body(body.decode("latin-1").encode()).encode("latin-1", "replace")
    return BodyText(b64encode(redacted).decode(), "base64", comment, len(recorded) if size is None else size)


def _decompress_beginning(body: bytes, coding: bytes) -> bytes:
    bits = _WINDOW_BITS.get(coding.strip().lower())
    if bits is None:
        # The content coding is unknown.
        return body
    try:
        return zlib.decompressobj(bits).decompress(body, KEPT)
    except zlib.error:
        return body


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        # A recording may end in the middle of a character.
        return len(body) >= KEPT and error.start > len(body) - 4 and error.reason == "unexpected end of data"
    return True


def _content_length(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) <= _DIGITS else -1
