"""Reject requests that foreign web pages send to the control API.

DNS rebinding is also rejected.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec import Struct

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
_ORIGIN = re.compile(r"https?://([^/@?#]+)", re.IGNORECASE)
_OWN_SITE = (b"same-origin", b"none")


class OwnNames(Struct, frozen=True):
    """The host names, with and without port, of this server.

    `allowed` are patterns of further host names. In a pattern, `*` matches any text.
    """

    names: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    def at(self, address: str | None) -> OwnNames:
        """Return a copy in which `names` also contains `address`.

        `address` is the local address of a connection.
        """
        return OwnNames(self.names | hosts_of(address), self.allowed)

    def has(self, authority: str) -> bool:
        """Return whether `authority` (`HOST[:PORT]`) names this server.

        Loopback names and allowed names also count.
        """
        # The DNS is not asked, because an attacker's name may resolve to this server.
        parts = _AUTHORITY.fullmatch(authority)
        if parts is None:
            return False
        name = parts[1].strip("[]").rstrip(".")
        if name in self.names or name == "localhost" or name.endswith(".localhost") or _is_loopback(name):
            return True
        return any(fnmatchcase(name, pattern.lower()) for pattern in self.allowed)


def origin_error(headers: Mapping[bytes, bytes], own: OwnNames, *, trusted: bool = False) -> ApiError | None:
    """Return a 403 for a foreign origin or an unknown host name; else None.

    `trusted` means that the request has one of the configured API keys. A trusted request may have any host name if no
    browser sent the request.
    """
    host = headers.get(b"host", b"").decode("latin-1").lower()
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
    is_browser = origin is not None or any(name.startswith(b"sec-fetch-") for name in headers)
    if host and not own.has(host) and not (trusted and not is_browser):
        name = host.rpartition(":")[0] or host
        return ApiError(
            403,
            f"the Host {host[:100]!r} is neither loopback nor an address of this server; "
            f"to allow it: --allow-host {name[:100]}",
        )
    if site is not None and site.lower() not in _OWN_SITE:
        return ApiError(403, "a page of another origin may not use the control API")
    if origin is None:
        return None
    parts = _ORIGIN.fullmatch(origin.decode("latin-1").lower())
    if parts is None or (parts[1] != host and parts[1] not in own.names):
        return ApiError(403, "a page of another origin may not use the control API")
    return None


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def hosts_of(*urls: str | None) -> frozenset[str]:
    """Return the host names in addresses and URLs, with and without port.

    The names are in lower case. Wildcard addresses such as 0.0.0.0 are omitted.
    """
    return frozenset(_hosts(filter(None, urls))) - {"0.0.0.0", "::"}  # noqa: S104  (not bound here)


def _hosts(urls: Iterable[str]) -> Iterable[str]:
    for url in urls:
        authority = url.lower().partition("://")[2].partition("/")[0] or url.lower()
        parts = _AUTHORITY.fullmatch(authority)
        yield authority
        yield parts[1].strip("[]") if parts else authority
