"""Callback URLs that a server must reject, such as internal hosts and malformed URLs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "https://example.com/hooks/done"  # the host is reserved for examples, and its name resolves
IMAGE = "https://example.com/image.jpg"
NOWHERE = "https://hooks.evolink-check.invalid/done"  # a name that never resolves
INTERNAL = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1", "169.254.169.254", "0.0.0.0"),  # noqa: S104
    *("127.255.255.254", "10.255.255.255", "192.168.255.255"),
)
INTERNAL_V6 = ("::1", "::", "fc00::1", "fd12:3456:789a::1", "fe80::1")
NAMES = ("localhost", "LOCALHOST", "localhost.", "api.localhost", "LocalHost:8443")
OTHER_SCHEMES = (
    *("http://example.com/hooks/done", "HTTP://EXAMPLE.COM/", "ftp://example.com/done", "ws://example.com/"),
    *(
        "wss://example.com/",
        "file:///etc/hosts",
        "mailto:hooks@example.com",
        "urn:example:done",
        "httpss://a.b/",
    ),
)
NOT_URIS = (
    "",
    "example.com/hooks/done",
    "//example.com/hooks/done",
    "/hooks/done",
    "call me when it is done",
)
WITH_SPACES = ("https://example.com/when done", " https://example.com/done", "https://exa mple.com/done")


def url_notations(address: str) -> Iterator[str]:
    """Yield an IPv4 address in every notation that browsers or `inet_aton` accept. The usual notation comes first."""
    number = int(IPv4Address(address))
    a, b, c, d = number.to_bytes(4, "big")
    yield address
    yield str(number)
    yield hex(number)
    yield f"0X{number:08X}"
    yield f"0{number:o}"
    yield f"{a:#x}.{b:#x}.{c:#x}.{d:#x}"
    yield ".".join(f"0{part:o}" for part in (a, b, c, d))
    yield ".".join(f"{part:#06x}" for part in (a, b, c, d))
    yield f"{a}.{b}.{c << 8 | d}"
    yield f"{a}.{b << 16 | c << 8 | d}"
    yield f"{address}."
    yield from _in_v6(IPv4Address(address))


def _in_v6(address: IPv4Address) -> Iterator[str]:
    mapped = IPv6Address(f"::ffff:{address}")
    yield f"[::ffff:{address}]"
    yield f"[{mapped.compressed}]"
    yield f"[{mapped.exploded.upper()}]"


def disguised_urls(host: str) -> Iterator[str]:
    """Yield URLs of a host in various notations. Some URLs look like URLs of another host (`example.com`)."""
    yield f"https://{host}/hooks/done"
    yield f"https://{host}"
    yield f"HTTPS://{host.upper()}/hooks/done"
    yield f"https://{host}:443/hooks/done"
    yield f"https://example.com@{host}/hooks/done"
    yield f"https://user:example.com@{host}/"
    yield f"https://{host}/?to=https://example.com/"
    yield f"https://{host}#example.com"


def internal_hosts(in_all_notations: tuple[str, ...] = INTERNAL) -> tuple[str, ...]:
    """Return local and private hosts, such as `localhost` and `10.0.0.1`.

    The addresses in `in_all_notations` are returned in every notation, for example also as `0xa000001`.
    """
    v4 = (*INTERNAL, *(host for address in in_all_notations for host in url_notations(address)))
    v6 = (
        notation
        for address in INTERNAL_V6
        for notation in (f"[{address}]", f"[{IPv6Address(address).exploded}]")
    )
    percent = ("%31%32%37.0.0.1", "%6c%6f%63%61%6c%68%6f%73%74")
    return tuple(dict.fromkeys((*v4, *v6, *NAMES[:4], *percent)))


def long_url(length: int, prefix: str = PUBLIC) -> str:
    """Return a URL of exactly `length` characters."""
    return f"{prefix}{'?' if '?' not in prefix else '&'}x=".ljust(length, "x")
