"""A transport with which clients of httpx2 and httpx reach a mock in this process without a socket.

httpx2 is the successor of httpx. A client accepts only response objects of its own library, so the transport detects
which library created the request. A library is imported only when it is needed.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from evolink_mock.http.connection import ConnectionDroppedError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import ModuleType

    import httpx
    import httpx2
    from starlette.types import ASGIApp

    # The clients accept any object with these methods, but type checkers require the base classes.
    class _Base(  # type: ignore[misc]  # each library has its own messages
        httpx2.BaseTransport, httpx2.AsyncBaseTransport, httpx.BaseTransport, httpx.AsyncBaseTransport
    ): ...
else:
    _Base = object


class Transport(_Base):
    """The transport for `Client(transport=…)` and `AsyncClient(transport=…)` of httpx2 and httpx, with asyncio or trio.

    The mock runs in the event loop of its thread. The client may run in any other event loop, or in none.
    """

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def handle_request(self, request: Any) -> Any:
        """Return the response to a request of a synchronous client."""
        request.read()
        future = self._begin(request)
        try:
            return future.result(_timeout(request))
        except TimeoutError as error:
            future.cancel()
            raise _read_timeout(request) from error

    async def handle_async_request(self, request: Any) -> Any:
        """Return the response to a request of an asynchronous client."""
        await request.aread()
        future = self._begin(request)
        try:
            with anyio.fail_after(_timeout(request)):
                return await _result(future)
        except TimeoutError as error:
            raise _read_timeout(request) from error
        finally:
            future.cancel()

    def _begin(self, request: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop)

    async def _exchange(self, request: Any) -> Any:
        """Return the response to a request. Must be called in the event loop of the mock.

        The body of the request must have been read before. The body of the response is read completely, too, because a
        stream cannot be passed to another event loop.
        """
        library = _library_of(request)
        copy = library.Request(
            request.method, request.url, headers=request.headers, stream=library.ByteStream(request.content)
        )
        try:
            response = await library.ASGITransport(self._app).handle_async_request(copy)
        except ConnectionDroppedError as error:
            if error.held:
                await asyncio.Event().wait()  # until the client cancels after its timeout
            raise library.RemoteProtocolError(str(error), request=request) from error
        body = b"".join([part async for part in response.stream])
        return library.Response(
            response.status_code, headers=response.headers, stream=library.ByteStream(body)
        )

    def __enter__(self) -> Any:
        """Return this transport. Clients call this method, although there is nothing to open."""
        return self

    def __exit__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Any:
        """Return this transport. Clients call this method, although there is nothing to open."""
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def close(self) -> None:
        """Do nothing, because the mock keeps running."""

    async def aclose(self) -> None:
        """Do nothing, because the mock keeps running."""


async def _result(future: Future[Any]) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # trio's
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)
    return await asyncio.wrap_future(future)


def _library_of(request: Any) -> ModuleType:
    """Return the library (httpx2 or httpx) that defines the class of the request or one of its base classes."""
    modules = [base.__module__.partition(".")[0] for base in type(request).__mro__]
    return import_module(next(name for name in modules if name in {"httpx", "httpx2"}))


def _timeout(request: Any) -> float | None:
    """Return how many seconds the client waits for a response; None if it waits without limit."""
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def _read_timeout(request: Any) -> Exception:
    error: Exception = _library_of(request).ReadTimeout("the mock did not respond in time", request=request)
    return error
