"""Decide whether the mock may call a callback URL or an IP address.

`parse_callback_url` parses a URL once, for the check and for the request. A URL that another parser could understand
differently is rejected. Therefore, a URL must not contain a user name or a backslash. The host must not contain a
percent sign. All characters must be printable ASCII. A numeric host must be plain dotted decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from evolink_mock.http.urls import ENDS_IN_NUMBER, parse_authority, parse_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.parsed_url import ParsedUrl

# RFC 6761, 6762 (appendix G), 8375 and the /etc/hosts of common systems.
_INTERNAL_SUFFIXES = (
    *(".localhost", ".localdomain", ".localdomain4", ".localdomain6", ".local", ".internal", ".intranet"),
    *(".private", ".corp", ".home", ".lan", ".home.arpa"),
)

# The IANA special-purpose registry, not `is_global`, whose result changes between releases of Python.
_V4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an internal"),  # "this network": Linux takes 0.0.0.0 for loopback
        ("10.0.0.0/8", "an internal"),
        ("100.64.0.0/10", "an internal"),  # carrier-grade NAT, and the metadata service of one cloud
        ("127.0.0.0/8", "an internal"),
        ("169.254.0.0/16", "an internal"),  # link-local: the metadata service of most clouds
        ("172.16.0.0/12", "an internal"),
        ("192.0.0.0/24", "an internal"),
        ("192.0.2.0/24", "a reserved"),
        ("192.88.99.0/24", "a reserved"),  # 6to4 relays
        ("192.168.0.0/16", "an internal"),
        ("198.18.0.0/15", "an internal"),
        ("198.51.100.0/24", "a reserved"),
        ("203.0.113.0/24", "a reserved"),
        ("224.0.0.0/4", "a multicast"),
        ("240.0.0.0/4", "a reserved"),  # and the broadcast address
    )
)
# Of IPv6, only global unicast addresses may be called, except for these.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_V6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("2001::/23", "a reserved"),  # Teredo, benchmarking, ORCHID
        ("2001:db8::/32", "a reserved"),
        ("2002::/16", "a reserved"),  # 6to4: an IPv4 address in disguise, deprecated
        ("3fff::/20", "a reserved"),
    )
)
# These contain an IPv4 address. A NAT64 network has such addresses for every public name.
_V4_WITHIN = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A host that the mock may call even if it is internal.

    Both http and https are allowed. If `port` is None, every port of the host is allowed.
    """

    host: str
    port: int | None


def parse_allowed(text: str) -> Allowed:
    """Parse `HOST[:PORT]`. An IPv6 address must be in brackets.

    Raises ValueError with the reason if the text is malformed.
    """
    try:
        host, port = parse_authority(text)
    except ValueError as error:
        wanted = "HOST or HOST:PORT, such as localhost:9000, 127.0.0.1 or [::1]:9000"
        raise ValueError(f"{text!r} {error}; expected {wanted}") from None
    return Allowed(host, port)


def is_allowed(host: str, port: int, allowed: Sequence[Allowed]) -> bool:
    """Return whether the user has allowed this host and port.

    `host` must be in lower case and without brackets.
    """
    return any(entry.host == host and entry.port in (None, port) for entry in allowed)


def parse_callback_url(url: str, rules: CallbackRules) -> ParsedUrl:
    """Parse a callback URL.

    Raises ValueError if the URL is too long (clause `callback.max-length`). Raises ValueError if the URL is invalid
    (clause `callback.uri`). The error states the reason.
    """
    if len(url) > rules.max_length:
        raise ValueError(f"is longer than {rules.max_length} characters")
    return parse_url(url)


def target_refusal(target: ParsedUrl, allowed: Sequence[Allowed]) -> str | None:
    """Return why the mock must not call this URL.

    Returns None if the scheme and the host in the URL are allowed. The host may still resolve to an internal address.
    Implements `callback.https-only` and a part of `callback.no-internal`.
    """
    if is_allowed(target.host, target.port, allowed):
        return None
    if target.scheme != "https":
        return "only https is supported"
    return _host_refusal(target.host)


def address_refusal(ip: str) -> str | None:
    """Return why the mock must not connect to an IP address.

    Returns None if the address is public.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return f"{ip} is not an address"
    kind = _kind_v4(address) if isinstance(address, IPv4Address) else _kind_v6(address)
    return None if kind is None else f"{ip} is {kind} address"


def _host_refusal(host: str) -> str | None:
    if ":" in host or ENDS_IN_NUMBER.fullmatch(host):
        return address_refusal(host)
    # A name of one label is internal, because only a hosts file or a search domain resolves it.
    if "." not in host or host.endswith(_INTERNAL_SUFFIXES):
        return f"{host} is an internal name"
    return None


def _kind_v4(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _V4 if address in network), None)


def _kind_v6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "an internal"
    within = IPv4Address(int(address) & 0xFFFF_FFFF)
    if any(address in network for network in _V4_WITHIN):
        return _kind_v4(within)
    if address not in _GLOBAL_UNICAST:
        return "an internal"
    for network, kind in _V6:
        if address in network:
            return kind
    return _kind_v4(within) if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP else None
