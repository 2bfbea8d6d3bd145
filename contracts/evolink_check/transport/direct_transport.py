"""A transport for httpx2 that connects to servers directly, without a proxy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from evolink_check.transport.connections import Connections, Head, Limits, Origin, Response

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterator

_PORTS = {"http": 80, "https": 443}


class DirectTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of an httpx2 client.

    The bodies of the requests must not be streams. `context` is called to make the TLS context.
    """

    def __init__(self, limits: Limits, context: Callable[[], ssl.SSLContext]) -> None:
        self._connections = Connections(limits, context)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return its response before its body is read."""
        url = request.url
        if url.scheme not in _PORTS:
            raise httpx2.UnsupportedProtocol(f"unsupported scheme: {url.scheme!r}")
        origin = Origin(
            url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme], tls=url.scheme == "https"
        )
        target = request.extensions.get("target", url.raw_path)
        with _errors_of_httpx2():
            response = await self._connections.send(
                origin, Head(request.method.encode("ascii"), target, request.headers.raw), request.content
            )
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": bytes(response.reason)},
        )

    async def aclose(self) -> None:
        """Close the unused connections."""
        await self._connections.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, response: Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx2():
            async for chunk in self._response:
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _errors_of_httpx2() -> Iterator[None]:
    try:
        yield
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        raise getattr(httpx2, type(error).__name__)(str(error)) from error
