"""A transport for httpx that reaches a mock of this process without a socket, whatever the host of the URL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx

if TYPE_CHECKING:
    from concurrent.futures import Future

    from starlette.types import ASGIApp


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """For `httpx.Client(transport=…)` and `httpx.AsyncClient(transport=…)`, under asyncio and trio.

    The app runs in the event loop of the mock's own thread, whatever loop the client is in.
    """

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._asgi = httpx.ASGITransport(app)
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a synchronous client."""
        request.read()
        future = self._begin(request)
        try:
            return future.result(_timeout(request))
        except TimeoutError as error:
            future.cancel()
            raise _read_timeout(request) from error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client."""
        await request.aread()
        future = self._begin(request)
        try:
            with anyio.fail_after(_timeout(request)):
                return await _result(future)
        except TimeoutError as error:
            raise _read_timeout(request) from error
        finally:
            future.cancel()

    def _begin(self, request: httpx.Request) -> Future[httpx.Response]:
        return asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        """In the mock's loop: both messages are read as a whole, so that they can cross over to another."""
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, stream=httpx.ByteStream(request.content)
        )
        try:
            response = await self._asgi.handle_async_request(copy)
        except ConnectionError as error:  # a recipe closes the connection
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  (what the transport returns)
        body = b"".join([part async for part in response.stream])
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))


async def _result(future: Future[httpx.Response]) -> httpx.Response:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # trio's
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)
    return await asyncio.wrap_future(future)


def _timeout(request: httpx.Request) -> float | None:
    """Seconds that the client waits for a response; None for ever."""
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def _read_timeout(request: httpx.Request) -> httpx.ReadTimeout:
    return httpx.ReadTimeout("the mock did not respond in time", request=request)
