"""The URL of a callback, divided into its parts."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}


class ParsedUrl(Struct, frozen=True, gc=False):
    """An http or https URL and its parts."""

    url: str  # the whole URL as the client wrote it
    scheme: str
    host: str  # in lower case, without a final dot, and without the brackets of an IPv6 address
    port: int
    request_target: bytes  # path and query, unchanged (clause `callback.query-kept`)

    def authority(self) -> str:
        """Return the value of the Host header. The scheme's default port is omitted."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def origin(self) -> str:
        """Return scheme, host and port, for logs."""
        return f"{self.scheme}://{self.authority()}"  # paths and queries often contain secrets
