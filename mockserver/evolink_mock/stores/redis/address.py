"""The address of a Redis or Valkey server, as in the option `--store`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}  # whether the scheme means TLS
PREFIX = "evolink-mock:"
_PORT = 6379
_INVALID = (
    "invalid URL of a server: write redis://HOST[:PORT][/DATABASE], or rediss:// for TLS; "
    "in a password, write # / ? @ as %23 %2F %3F %40"
)
_TLS_FILES = {
    "ca": "ssl_ca_certs",
    "cert": "ssl_certfile",
    "key": "ssl_keyfile",
}  # keyword arguments of redis-py


class Address(NamedTuple):
    """The address of a Redis or Valkey server, with a database and a prefix."""

    shown: str  # the URL without the password, for logs and error messages
    host: str
    port: int
    database: int
    username: str | None
    password: str | None
    is_tls: bool
    tls_files: dict[str, str]  # paths of certificate files, by the keyword arguments of redis-py
    prefix: str  # the prefix of every key of the store

    def __repr__(self) -> str:
        """Return the URL without the password, because representations may be logged."""
        return f"<Address {self.shown}>"


def parse_address(text: str) -> Address:
    """Parse the URL of a Redis or Valkey server.

    Raises ValueError if the URL is invalid. The error message does not contain the password.
    """
    try:
        url = urlsplit(text)
        port = url.port or _PORT
    except ValueError:  # whose text may contain a part of the password
        raise ValueError(_INVALID) from None
    if url.scheme not in SCHEMES or not url.hostname or url.fragment:
        raise ValueError(_INVALID)
    database = url.path.removeprefix("/") or "0"
    if not (database.isascii() and database.isdigit()):
        raise ValueError("the database of the server must be a number, as in redis://HOST/0")
    is_tls = SCHEMES[url.scheme]
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    known = {"prefix", *(_TLS_FILES if is_tls else ())}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"the server's URL has no option {unknown[0]!r}: write {', '.join(sorted(known))}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    prefix = options.get("prefix", PREFIX)
    shown = f"{url.scheme}://{host}:{port}/{database}{'' if prefix == PREFIX else f'?prefix={prefix}'}"
    return Address(
        shown,
        url.hostname,
        port,
        int(database),
        unquote(url.username) if url.username else None,
        unquote(url.password) if url.password else None,
        is_tls,
        {_TLS_FILES[name]: value for name, value in options.items() if name in _TLS_FILES},
        prefix,
    )
