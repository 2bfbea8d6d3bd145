"""A parsed URL. The check of a URL, the log and the callback all use the same parsed URL."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}


class ParsedUrl(Struct, frozen=True, gc=False):
    """A parsed URL. `host` is canonical: lower case, without brackets or a trailing dot.

    `url` is the whole URL as written. `request_target` is the path and query of the URL, exactly as written (clause
    `callback.query-kept`).
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
        """Return scheme, host and port. A log shows only these, because paths and queries often contain secrets."""
        return f"{self.scheme}://{self.authority()}"
