"""Parse URLs that clients send."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from evolink_mock.domain.parsed_url import DEFAULT_PORTS, ParsedUrl

_LAST_PORT = 65535
_LONGEST_NAME = 253
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_NOT_PRINTABLE_ASCII = re.compile(r"[^!-~]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# inet_aton and the WHATWG URL standard parse a host as an IPv4 address if its last label matches this.
ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


def parse_url(url: str) -> ParsedUrl:
    """Parse an absolute http or https URL.

    A fragment is omitted. Raises ValueError, with a short reason, if the URL is malformed or ambiguous.
    """
    if _NOT_PRINTABLE_ASCII.search(url):
        raise ValueError("has a space, a control character or one outside ASCII")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("is not a URL of the form https://HOST/PATH")
    scheme, authority, rest = parts[1].lower(), parts[2], parts[3]
    if scheme not in DEFAULT_PORTS:
        raise ValueError("only https is supported")
    if "\\" in url:
        raise ValueError("has a backslash")
    host, port = parse_authority(authority)
    request_target = rest if rest.startswith("/") else f"/{rest}"
    return ParsedUrl(url, scheme, host, port or DEFAULT_PORTS[scheme], request_target.encode("ascii"))


def parse_authority(authority: str) -> tuple[str, int | None]:
    """Split `HOST[:PORT]` into host and port; the port is None if it is missing.

    The host is in lower case and without brackets. Raises ValueError, with a short reason, if the text is malformed.
    """
    if "@" in authority:
        # RFC 9110, section 4.2.4: treat user information from an untrusted source as an error.
        raise ValueError("has a user name or password before the host")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError("has a malformed host or port")
    port = int(parts[2]) if parts[2] else None
    if port is not None and not 0 < port <= _LAST_PORT:
        raise ValueError(f"has a port that is not in 1..{_LAST_PORT}")
    return _canonical_host(parts[1]), port


def _canonical_host(text: str) -> str:
    if text.startswith("["):
        return _canonical_ipv6(text[1:-1])
    name = text.lower().removesuffix(".")
    if not name:
        raise ValueError("has no host")
    if ENDS_IN_NUMBER.fullmatch(name):
        try:
            return str(IPv4Address(name))
        except AddressValueError:
            # Parsers disagree on 2130706433, 0x7f.1, 0177.0.0.1 and 127.1, so all such forms are refused.
            raise ValueError("may hide an internal address: write four plain decimal numbers") from None
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError("has a host that is neither a name nor an address")
    return name


def _canonical_ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("has an address with a zone")
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ValueError("has brackets around something that is not an IPv6 address") from None
