"""httpx to the mock of this process through ASGI: no socket is opened, and any host is the mock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from concurrent.futures import Future

    from starlette.types import ASGIApp


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """For `httpx.Client(transport=…)` and `httpx.AsyncClient(transport=…)`.

    The app runs in the loop of the mock's own thread, where everything else of it runs, whatever loop the
    client is in.
    """

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._asgi = httpx.ASGITransport(app)
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a client without a loop."""
        request.read()
        return self._begin(request).result()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a client in a loop of its own."""
        await request.aread()
        return await asyncio.wrap_future(self._begin(request))

    def _begin(self, request: httpx.Request) -> Future[httpx.Response]:
        return asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        """In the mock's loop. What went in and comes out is whole, so that it may cross over to another."""
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, stream=httpx.ByteStream(request.content)
        )
        try:
            answer = await self._asgi.handle_async_request(copy)
        except ConnectionError as lost:  # a recipe closes the connection that there is not
            raise httpx.RemoteProtocolError(str(lost), request=request) from lost
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101  (what the transport gives)
        body = b"".join([part async for part in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))
