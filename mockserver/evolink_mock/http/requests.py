"""Read a request: the bearer token, the body, and the scheme and host of the URL."""

from __future__ import annotations

import asyncio
import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import too_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Receive, Scope


_HOST = re.compile(rb"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_LENGTH_DIGITS = 19  # a Content-Length with more digits exceeds any limit
_CACHED_ORIGINS = 1000
BODY_SECONDS = 60.0  # maximum time until a body is complete


class RequestHead(Struct, frozen=True):
    """The headers of a request by name, and its bearer token."""

    headers: Mapping[bytes, bytes]
    token: str | None  # None if the request has no bearer token


class ClientDisconnectedError(Exception):
    """The client closed the connection before its request was complete."""


def token_of(authorization: bytes) -> str | None:
    """Return the token of an `Authorization: Bearer …` header, or None.

    Upper and lower case of the scheme are equivalent (RFC 9110).
    """
    scheme, _, token = authorization.partition(b" ")
    token = token.strip()
    return token.decode("latin-1") if token and scheme.lower() == b"bearer" else None


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> RequestHead:
    """Return the head of a request with these headers."""
    by_name = dict(headers)
    return RequestHead(by_name, token_of(by_name.get(b"authorization", b"")))


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes | ApiError:
    """Return the complete body, or an error.

    Returns an error if the body exceeds `limit` bytes. Returns an error if the body takes longer than `BODY_SECONDS`.
    Raises `ClientDisconnectedError` if the client disconnects too early.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:_LENGTH_DIGITS]) > limit:
        return too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_chunks(receive, limit)
    except TimeoutError:
        detail = f"no complete body within {BODY_SECONDS:g} s"
        return ApiError(408, detail, headers=((b"connection", b"close"),))


async def _read_chunks(receive: Receive, limit: int) -> bytes | ApiError:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return too_large(limit)
        if not message.get("more_body"):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


class Origins:
    """Determines the scheme and host of result links.

    Both come from `public_url` or, if that is not set, from the request.
    """

    def __init__(self, public_url: str | None, *, trust_proxy: bool = False) -> None:
        self._fixed = public_url.rstrip("/") if public_url else None
        self._trust_proxy = trust_proxy  # whether to read the headers of a reverse proxy
        self._cached: dict[tuple[str, bytes], str] = {}  # so that tasks share a string for each host name

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Return the scheme and host of the result links for a request.

        For an invalid `Host` header, the local address of the connection is used.
        """
        if self._fixed is not None:
            return self._fixed
        key = (scope.get("scheme", "http"), headers.get(b"host", b""))
        if self._trust_proxy:
            key = _forwarded_scheme_and_host(headers, *key)
        origin = self._cached.get(key)
        return self._store(key, scope) if origin is None else origin

    def _store(self, key: tuple[str, bytes], scope: Scope) -> str:
        scheme, host = key
        if _is_valid_host(host):
            name = host.decode("ascii")
        else:  # one cache entry for all invalid hosts
            name, key = _bound_address(scope), (scheme, b"")
        if len(self._cached) >= _CACHED_ORIGINS:
            self._cached.clear()
        return self._cached.setdefault(key, f"{scheme}://{name}")


def _forwarded_scheme_and_host(headers: Mapping[bytes, bytes], scheme: str, host: bytes) -> tuple[str, bytes]:
    # The first element comes from the proxy nearest to the client (RFC 7239). The headers `X-Forwarded-...` are older.
    element = headers.get(b"forwarded", b"").partition(b",")[0]
    if element:
        pairs = (pair.partition(b"=") for pair in element.split(b";"))
        names = {name.strip().lower(): value.strip().strip(b'"') for name, _, value in pairs}
        sent_scheme, sent_host = names.get(b"proto", b""), names.get(b"host", b"")
    else:
        sent_scheme, sent_host = (
            headers.get(name, b"").partition(b",")[0].strip()
            for name in (b"x-forwarded-proto", b"x-forwarded-host")
        )
    if sent_scheme.lower() in {b"http", b"https"}:
        scheme = sent_scheme.lower().decode("ascii")
    return scheme, sent_host if _is_valid_host(sent_host) else host


def _is_valid_host(host: bytes) -> bool:
    if not _HOST.fullmatch(host):
        return False
    if not host.startswith(b"["):
        return True
    try:
        IPv6Address(host[1 : host.index(b"]")].decode("ascii"))
    except AddressValueError:
        return False
    return True


def _bound_address(scope: Scope) -> str:
    address, port = scope.get("server") or ("127.0.0.1", None)
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if port else host
