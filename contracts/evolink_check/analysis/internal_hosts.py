"""Decide whether the host of a URL is certainly internal or certainly public.

An internal host is, for example, `127.0.0.1`. If servers may classify a host differently, neither is certain.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import unquote, urlsplit

# The networks that the document lists, and others that are certainly not public.
_INTERNAL_V4 = tuple(
    map(
        IPv4Network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "0.0.0.0/8"),
    )
)
_INTERNAL_V6 = tuple(map(IPv6Network, ("::1/128", "::/128", "fc00::/7", "fe80::/10")))
_PART = re.compile(r"0[xX][0-9a-fA-F]*|0[0-7]*|[1-9][0-9]*")
# Top-level names of internal hosts (RFC 6761, 6762, 8375, and common routers).
_INSIDE = {
    *("localhost", "localdomain", "localdomain4", "localdomain6", "local", "internal", "intranet", "private"),
    *("corp", "home", "lan", "arpa"),
}
# Domains whose subdomains resolve to the address that is part of the name, or to this machine.
_MIRRORS = (".nip.io", ".sslip.io", ".xip.io", ".localtest.me", ".lvh.me", ".vcap.me", ".lacolhost.com")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253
_SIZES = (0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF)


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, without brackets and final dot.

    Returns an empty text if the URL has no host.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return unquote(host or "").removesuffix(".")


def is_internal(url: str) -> bool:
    """Whether the host of the URL is certainly internal.

    An internal host can be a private IP address, in any notation. The names `localhost` and `*.localhost` are internal.
    No other name is certainly internal.
    """
    host = host_of(url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if ":" in host:
        return _is_internal_v6(host)
    # The address of any other name could be found by a DNS query alone, and no query is sent here.
    address = v4_of(host)
    return address is not None and any(address in network for network in _INTERNAL_V4)


def is_plainly_public(url: str) -> bool:
    """Whether the host of the URL is certainly public.

    The host must be a domain name. A name that looks internal, such as `db.internal`, does not count. A URL with a user
    name does not count. If the URL has a port, the port must be 443 or 8443.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").removesuffix(".")
    labels = host.split(".")
    plain = len(host) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    named = len(labels) > 1 and labels[-1][:1].isalpha() and not any(label.isdigit() for label in labels)
    inside = labels[-1] in _INSIDE or "localhost" in labels or f".{host}".endswith(_MIRRORS)
    # Servers may reject a URL with a user name or an unusual port.
    return plain and named and not inside and "@" not in parts.netloc and port in {None, 443, 8443}


def v4_of(host: str) -> IPv4Address | None:
    """Interpret a host as an IPv4 address, as `inet_aton` and browsers do.

    Returns None if the host is not an IPv4 address. An address has one to four parts, separated by dots. Each part is
    decimal, hexadecimal (`0x7f`) or octal (`0177`).
    """
    parts = host.split(".")
    if len(parts) > len(_SIZES) or not all(_PART.fullmatch(part) for part in parts):
        return None
    *heads, last = [_number(part) for part in parts]
    if any(head > _SIZES[0] for head in heads) or last > _SIZES[len(_SIZES) - len(parts)]:
        return None
    return IPv4Address(sum(head << 8 * (3 - place) for place, head in enumerate(heads)) + last)


def _number(part: str) -> int:
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _is_internal_v6(host: str) -> bool:
    try:
        address = IPv6Address(host.partition("%")[0])
    except AddressValueError:
        return False
    inner = address.ipv4_mapped
    if inner is not None:
        return any(inner in network for network in _INTERNAL_V4)
    return any(address in network for network in _INTERNAL_V6)
