"""Responses to invalid HTTP requests. A connection writes them without the ASGI app."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from evolink_mock.http.errors import ApiError, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_HTTP = ApiError(400, "this is not an HTTP/1.1 request")
TUNNEL = ApiError(405, "CONNECT is for a proxy, and this port is not one")


def response_to(error: ApiError, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode an error as a complete response, with the header `Connection: close`."""
    body = to_json(error, {})
    lines = [
        b"HTTP/1.1 %d %b" % (error.status, HTTPStatus(error.status).phrase.encode()),
        *(b"%b: %b" % header for header in default_headers),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
    ]
    return b"\r\n".join([*lines, b"", body])
