"""A URL taken apart, once: what is judged, what is logged and what is called are the same."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}


class ParsedUrl(Struct, frozen=True, gc=False):
    """A parsed URL. `host` is canonical: lower case, without brackets or a trailing dot.

    `url` is the whole as written, `request_target` its path and query exactly as written (clause
    `callback.query-kept`).
    """

    url: str
    scheme: str
    host: str
    port: int
    request_target: bytes

    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def origin(self) -> str:
        """What a log may show: paths and queries often contain secrets."""
        return f"{self.scheme}://{self.authority()}"
