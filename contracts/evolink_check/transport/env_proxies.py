"""Find the proxy that the environment variables configure for a host.

Loopback hosts are reached without a proxy.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

INVALID = (
    "the variable is not the URL of a proxy. "
    "In a user name or password, write / as %2F, ? as %3F, # as %23 and @ as %40"
)
NEEDS_SOCKS = "SOCKS needs another package: pip install socksio"


@dataclass(frozen=True, slots=True)
class EnvProxy:
    """A proxy, and the environment variable that configures it."""

    url: str
    variable: str

    @property
    def is_valid(self) -> bool:
        """Whether the URL has a host and a port that can be used."""
        try:
            return bool(httpx2.URL(self.url).host)
        except (httpx2.InvalidURL, ValueError):
            return False

    @property
    def valid_url(self) -> str:
        """The URL of the proxy.

        Raises `httpx2.ProxyError` if the URL is invalid. The message does not contain the URL, because the URL may
        contain a password.
        """
        if not self.is_valid:
            raise httpx2.ProxyError(INVALID)
        return self.url

    def __str__(self) -> str:
        """Describe the proxy by its URL and its environment variable.

        The URL is shown without user name and password. An invalid URL is not shown.
        """
        if not self.is_valid:
            return f"the proxy in {self.variable}"
        parts = urlsplit(self.url)
        address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        return f"the proxy {address} ({self.variable})"


def proxy_for(scheme: str, host: str) -> EnvProxy | None:
    """Return the proxy for a host; None if the host needs no proxy."""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    for name in (scheme, "all"):
        if url := proxies.get(name):
            return EnvProxy(url if "://" in url else f"http://{url}", f"{name.upper()}_PROXY")
    return None


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or a loopback name.

    Loopback names are `localhost` and all names that end in `.localhost`.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class MakeTransport(Protocol):
    """A function that makes an httpx2 transport.

    `proxy` is the URL of the proxy; None means no proxy. `tls` is True if the transport is for requests to https URLs.
    """

    def __call__(self, proxy: str | None, *, tls: bool) -> httpx2.AsyncBaseTransport: ...  # noqa: D102


class EnvProxyTransport(httpx2.AsyncBaseTransport):
    """Sends each request through the proxy that the environment configures for its host.

    A redirect to another host uses the proxy for that host. `make` makes the transport to each proxy, and the transport
    without a proxy. If a proxy fails, an `httpx2.ProxyError` names the proxy.
    """

    def __init__(self, make: MakeTransport) -> None:
        self._make = make
        self._transports: dict[tuple[str | None, bool], httpx2.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises `httpx2.ProxyError` if the proxy for the request's host fails.
        """
        proxy = proxy_for(request.url.scheme, request.url.host)
        try:
            return await self._transport(proxy, tls=request.url.scheme == "https").handle_async_request(
                request
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            if proxy is None:
                raise
            raise httpx2.ProxyError(f"{proxy} cannot be used: {error}") from error

    async def aclose(self) -> None:
        """Close the transports."""
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, proxy: EnvProxy | None, *, tls: bool) -> httpx2.AsyncBaseTransport:
        url = proxy.url if proxy else None
        if (url, tls) not in self._transports:
            try:
                self._transports[url, tls] = self._make(proxy.valid_url if proxy else None, tls=tls)
            except ImportError:
                raise httpx2.ProxyError(NEEDS_SOCKS) from None
            except ValueError as error:
                raise httpx2.ProxyError(str(error)) from None
        return self._transports[url, tls]
