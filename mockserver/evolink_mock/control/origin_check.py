"""Who may drive the control API: no page of another origin, and no name that somebody else has led here. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")
_ORIGIN = re.compile(r"https?://([^/@?#]+)", re.IGNORECASE)
_OWN_SITE = (b"same-origin", b"none")


def refusal(headers: Mapping[bytes, bytes], own: Collection[str]) -> ApiError | None:
    """The 403 for a request that a browser sends for a page of another origin, or by a name that is not ours.

    `own` are the hosts of this server, and the authority that stands in front. A missing header is no browser's.
    """
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if host and not is_own(host, own):
        return ApiError(403, f"the Host {host[:100]!r} is neither loopback nor this server's address")
    if headers.get(b"sec-fetch-site", b"none").lower() not in _OWN_SITE:
        return ApiError(403, "a page of another origin")
    origin = headers.get(b"origin")
    if origin is None:
        return None
    found = _ORIGIN.fullmatch(origin.decode("latin-1").lower())
    if found is None or (found[1] != host and found[1] not in own):
        return ApiError(403, "a page of another origin")
    return None


def is_own(authority: str, own: Collection[str]) -> bool:
    """Whether `HOST[:PORT]` names loopback or one of our own hosts. A name that only leads to loopback does not."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return False
    name = found[1].strip("[]").rstrip(".")
    return name in own or name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def hosts_of(*urls: str | None) -> set[str]:
    """Hosts, and authorities, of addresses and URLs, in lower case. A wildcard address is nobody's name."""
    found: set[str] = set()
    for url in filter(None, urls):
        authority = url.lower().partition("://")[2].partition("/")[0] or url.lower()
        parts = _AUTHORITY.fullmatch(authority)
        found |= {authority, parts[1].strip("[]") if parts else authority}
    return found - {"0.0.0.0", "::"}  # noqa: S104  (not bound here)
