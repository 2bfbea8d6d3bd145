"""The head of a request: its size, and its bytes without `Upgrade` headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.http.errors import Headers

UPGRADE = b"upgrade"


def head_size(url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Return the size of the URL and the headers in bytes.

    Each header counts 4 more bytes: the colon, the space and the line end.
    """
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def head_without_upgrade(
    method: str, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Encode the head of a request without `Upgrade` headers. The head ends with an empty line."""
    lines = [b"%b %b HTTP/%b" % (method.encode(), url, version.encode())]
    lines += [b"%b: %b" % (name, value) for name, value in headers if name != UPGRADE]
    return b"\r\n".join([*lines, b"", b""])


def upgrade_headers(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Return the `Upgrade` headers among `headers`."""
    return tuple(header for header in headers if header[0] == UPGRADE)
