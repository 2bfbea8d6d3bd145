"""A transport from clients of httpx2 and httpx to a mock in this process.

The transport needs no socket. httpx2 is the successor of httpx. A request object of httpx gets a response object of
httpx. A request object of httpx2 gets a response object of httpx2. Each library is imported at its first use.
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
    """The transport for `Client(transport=…)` and `AsyncClient(transport=…)`.

    The clients of httpx2 and httpx, with asyncio or trio, can use this transport. The mock runs in the event loop of
    its thread. The client may run in any other event loop, or in none.
    """

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def handle_request(self, request: Any) -> Any:
        """Return the response to a request of a synchronous client."""
        request.read()
        future = self._begin(request)
        try:
            return future.result(_read_seconds(request))
        except TimeoutError as error:
            future.cancel()
            raise _read_timeout(request) from error

    async def handle_async_request(self, request: Any) -> Any:
        """Return the response to a request of an asynchronous client."""
        await request.aread()
        future = self._begin(request)
        try:
            with anyio.fail_after(_read_seconds(request)):
                return await _result(future)
        except TimeoutError as error:
            raise _read_timeout(request) from error
        finally:
            future.cancel()

    def _begin(self, request: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self._exchange_in_loop(request), self._loop)

    async def _exchange_in_loop(self, request: Any) -> Any:
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
        # Read here, because a stream cannot be passed to another event loop.
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
        """Do nothing. The mock keeps running."""

    async def aclose(self) -> None:
        """Do nothing. The mock keeps running."""


async def _result(future: Future[Any]) -> Any:
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # trio's
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)
    return await asyncio.wrap_future(future)


def _library_of(request: Any) -> ModuleType:
    # The class of the request may be a subclass outside of the library.
    modules = [base.__module__.partition(".")[0] for base in type(request).__mro__]
    return import_module(next(name for name in modules if name in {"httpx", "httpx2"}))


def _read_seconds(request: Any) -> float | None:
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return timeout


def _read_timeout(request: Any) -> Exception:
    error: Exception = _library_of(request).ReadTimeout("the mock did not respond in time", request=request)
    return error
