"""URLs that are parsed only once, although they are checked, logged and requested."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}


class ParsedUrl(Struct, frozen=True, gc=False):
    """A parsed URL.

    `host` is in lower case, without a final dot, and without the brackets of an IPv6 address. `url` is the whole URL as
    the client wrote it. `request_target` is the URL's path and query, unchanged (clause `callback.query-kept`).
    """

    url: str
    scheme: str
    host: str
    port: int
    request_target: bytes

    def authority(self) -> str:
        """Return the value of the Host header: the host, and the port unless it is the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def origin(self) -> str:
        """Return scheme, host and port. Logs show only these, because paths and queries often contain secrets."""
        return f"{self.scheme}://{self.authority()}"
