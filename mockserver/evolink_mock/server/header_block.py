"""The headers of a request as one block of bytes. The parsed headers are cached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools
from msgspec import Struct

from evolink_mock.domain.redaction import is_credential_header
from evolink_mock.http.requests import RequestHead, read_head

if TYPE_CHECKING:
    from evolink_mock.http.errors import Headers

_MOST_BLOCKS = 512  # maximum number of blocks in the cache
_MOST_BYTES = 2048  # maximum size of a block in the cache
# The fast lane does not serve requests with these headers. For example, `Prefer` may name a recipe.
_OTHER_WAY = frozenset((b"expect", b"origin", b"prefer", b"transfer-encoding", b"upgrade"))
_MOST_SHARED, _MOST_SHARED_BYTES = 1024, 200
_headers: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
_MOST_DIGITS = 9  # maximum number of digits of a Content-Length


class HeaderBlock(Struct, frozen=True):
    """The parsed headers of a request."""

    headers: Headers
    head: RequestHead  # the headers by name, and the bearer token
    length: int  # the value of Content-Length; 0 without this header


# Clients repeat their headers.
class HeaderBlocks:
    """A cache of parsed request headers. The keys are the header lines as bytes."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, HeaderBlock | None] = {}

    def get(self, block: bytes) -> HeaderBlock | None:
        """Return the parsed headers in `block`.

        `block` contains the header lines of a request without the empty line after them. Returns None if the headers
        are invalid. Returns None if the fast lane cannot serve requests with these headers.
        """
        try:
            return self._blocks[block]
        except KeyError:
            parsed = parse(block)
        if len(block) <= _MOST_BYTES:
            if len(self._blocks) >= _MOST_BLOCKS:
                self._blocks.clear()
            self._blocks[block] = parsed
        return parsed


class _Collector:
    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def parse(block: bytes) -> HeaderBlock | None:
    """Parse the header lines of a request with the HTTP parser of uvicorn.

    Returns None if the headers are invalid. Returns None if the fast lane cannot serve requests with these headers.
    """
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % block)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if not collector.is_complete or not parser.should_keep_alive():
        return None
    head = read_head(collector.headers)
    length = head.headers.get(b"content-length", b"0")
    if not _OTHER_WAY.isdisjoint(head.headers) or not length.isdigit() or len(length) > _MOST_DIGITS:
        return None
    if head.headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    if b"~" in head.headers.get(b"authorization", b""):  # may begin a recipe
        return None
    return HeaderBlock(tuple(map(_shared, collector.headers)), head, int(length))


def _shared(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    # Recorded requests with equal headers share one object. Credentials are never cached.
    if is_credential_header(header[0]) or len(header[1]) > _MOST_SHARED_BYTES:
        return header
    if len(_headers) >= _MOST_SHARED:
        _headers.clear()
    return _headers.setdefault(header, header)
