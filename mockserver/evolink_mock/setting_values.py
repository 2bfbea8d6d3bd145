"""Parsers for the text of settings. Each parser raises ValueError if the text is invalid."""

from __future__ import annotations

import math
import re
from ipaddress import IPv6Address

from evolink_mock.callbacks.url_guard import parse_allowed
from evolink_mock.http.cross_origin import parse_origin
from evolink_mock.stores.redis.address import SCHEMES, parse_address

_PUBLIC_URL = re.compile(
    r"https?://([^\s/?#@]+)((?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*)", re.ASCII | re.IGNORECASE
)
_CONTROL = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):([0-9]{1,5})")
_KEEP = re.compile(r"([0-9]{1,6})\s*([dhms])")
_KEEP_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_TOKEN = re.compile(r"[!-~]+")  # characters that a header can contain
_HOST_PATTERN = re.compile(r"[a-z0-9._*-]*[a-z0-9_*-]")
_UI_KEY = re.compile(r"[A-Za-z0-9._~-]{8,200}")  # characters that a cookie can contain


class SettingError(ValueError):
    """A setting is invalid. `field` is the name of the setting. `reason` says why the setting is invalid."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


def parse_host(text: str) -> str:
    """Parse an address to listen on. An IPv6 address may have brackets.

    Raises ValueError for an empty text.
    """
    if not text.strip():  # the system would listen on all addresses
        raise ValueError("an empty host would mean every address: write 0.0.0.0 for that")
    return text.removeprefix("[").removesuffix("]") if ":" in text else text


def parse_token(text: str) -> str:
    """Parse an API key. An API key consists of visible ASCII characters.

    The message of the ValueError does not show the key.
    """
    if not _TOKEN.fullmatch(text):
        raise ValueError("must consist of visible ASCII characters")
    return text


def parse_callback_host(text: str) -> str:
    """Parse a receiver to which callbacks may be sent.

    The text must have the form `HOST` or `HOST:PORT`. Raises ValueError for any other text.
    """
    parse_allowed(text)
    return text


def parse_host_pattern(text: str) -> str:
    """Parse an IPv6 address or a host name. Return it in lower case.

    In a host name, `*` matches any text. Raises ValueError for any other text.
    """
    pattern = text.strip().lower().removeprefix("[").removesuffix("]").rstrip(".")
    if not _HOST_PATTERN.fullmatch(pattern) and not _is_ipv6(pattern):
        raise ValueError(f"invalid host name {text!r}: write NAME, without https:// and without a port")
    return pattern


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def parse_cors(text: str) -> str:
    """Parse which web pages may call the mock.

    The text is an origin such as `http://localhost:3000`, `*` (all) or `off` (none). Raises ValueError for other texts.
    """
    parse_origin(text)
    return text


def parse_ui_key(text: str) -> str:
    """Parse the operator's key for the console.

    The key has 8 to 200 characters: letters, digits, `-`, `.`, `_` and `~`. Raises ValueError for other texts. The
    message does not show the key.
    """
    if not _UI_KEY.fullmatch(text):
        raise ValueError("must consist of 8 to 200 letters, digits, and the characters - . _ ~")
    return text


def parse_public_url(text: str) -> str:
    """Parse the public URL of the server. Return it without a trailing slash.

    Raises ValueError for an invalid URL.
    """
    match = _PUBLIC_URL.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid public URL {text.rpartition('@')[2]!r}: write https://HOST[:PORT]")
    parse_allowed(match[1])  # raises ValueError, with the reason, for an invalid host
    return text.rstrip("/")


def parse_control(text: str) -> str:
    """Parse where the control API is served. Return the text in lower case.

    `on` means the address of the simulated API. `off` means nowhere. `HOST:PORT` is a separate address. Raises
    ValueError for any other text.
    """
    where = text.strip().lower()
    address = _CONTROL.fullmatch(where)
    if where not in {"on", "off"} and (address is None or int(address[1]) > 65535):  # noqa: PLR2004
        raise ValueError(f"invalid place for the control API {text!r}: write on, off or HOST:PORT")
    return where


def parse_credits(text: str) -> float:
    """Parse a number of credits. Return an int for a whole number, and a float for any other.

    Raises ValueError for a negative number and for other texts.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"invalid number of credits {text!r}: write 0 or more")
    return int(number) if number == int(number) else number


def parse_store(text: str) -> str:
    """Parse where the mock keeps its state.

    The text is `memory`, `sqlite:FILE` or the URL of a Redis or Valkey server. Raises ValueError for any other text.
    The message does not show the text, because a URL may contain a password.
    """
    place = text.strip()
    scheme, _, rest = place.partition(":")
    if place != "memory" and not (scheme == "sqlite" and rest):
        if scheme not in SCHEMES:
            raise ValueError("invalid store: write memory, sqlite:FILE or redis://HOST[:PORT][/DATABASE]")
        parse_address(place)
    return place


def parse_keep(text: str) -> float:
    """Parse how long unused accounts are kept, such as `30d`, `12h`, `90m` or `10s`.

    Returns seconds. Raises ValueError for other texts.
    """
    match = _KEEP.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"invalid time {text!r}: write 30d, 12h, 90m or 10s")
    return float(match[1]) * _KEEP_UNITS[match[2]]
