"""Send callbacks directly to an ASGI application, without a socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from evolink_check import clock
from evolink_check.receiver.delivery.callback_sender import headers_of, parts_of, timed
from evolink_check.receiver.records import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from evolink_check.receiver.records import Callback, Timing

    App = Callable[
        [dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
    ]

_VERSIONS = {"version": "3.0", "spec_version": "2.4"}
_ENDING = 5.0  # maximum seconds for which `close` waits until the lifespan has ended


class AsgiSender:
    """Sends callbacks to an application in this process.

    The application is started by `start` and stopped by `close`.
    """

    framings = frozenset({"plain", "chunked", "slow"})

    def __init__(self, app: App, timing: Timing) -> None:
        self._app, self._timing = app, timing
        self._state: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lifespan: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._started, self._stopped = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        """Send the application its ASGI startup event (`lifespan.startup`).

        An application without support for such events is ready at once.
        """
        scope = {"type": "lifespan", "asgi": _VERSIONS, "state": self._state}
        self._lifespan = asyncio.create_task(self._live(scope))
        self._inbox.put_nowait({"type": "lifespan.startup"})
        await self._started.wait()

    async def send(self, callback: Callback, limit: float) -> Reply:
        """Send a callback and return the reply.

        The application may continue in the background after its response.
        """
        return await timed(lambda: self._send(callback), limit)

    async def close(self) -> None:
        """Send the application its ASGI shutdown event, and cancel its running requests."""
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), _ENDING)
        running = [*self._tasks, *([self._lifespan] if self._lifespan else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _live(self, scope: dict[str, Any]) -> None:
        async def send(message: dict[str, Any]) -> None:
            event = self._started if "startup" in message["type"] else self._stopped
            event.set()

        try:
            await self._app(scope, self._inbox.get, send)
        except Exception:  # noqa: BLE001, S110  (an application without a lifespan may raise this)
            pass
        finally:
            self._started.set()
            self._stopped.set()

    async def _send(self, callback: Callback) -> Reply:
        exchange = _RequestToApp(parts_of(callback, self._timing.pause), clock.now())
        task = asyncio.create_task(exchange.run(self._app, self._scope(callback)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await exchange.answered.wait()
        return exchange.reply()

    def _scope(self, callback: Callback) -> dict[str, Any]:
        parts = urlsplit(callback.url)
        framing = [("transfer-encoding", "chunked")] if callback.framing == "chunked" else []
        headers = [("host", parts.netloc), *headers_of(callback), *framing]
        return {
            "type": "http", "asgi": _VERSIONS, "http_version": "1.1", "method": "POST", "scheme": parts.scheme,
            "path": unquote(parts.path), "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
            "root_path": "", "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 0), "server": (parts.hostname, parts.port or 80), "state": self._state.copy(),
        }  # fmt: skip


class _RequestToApp:
    def __init__(self, parts: AsyncIterator[bytes], began: float) -> None:
        self.answered = asyncio.Event()
        self._parts, self._began, self._ended = parts, began, began
        self._status, self._body, self._problem = 0, b"", "no answer"
        self._headers: tuple[tuple[str, str], ...] = ()

    def reply(self) -> Reply:
        problem = "" if self._status else self._problem
        return Reply(self._status, self._began, self._ended, self._headers, self._body, problem)

    async def run(self, app: App, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001  (the application's own)
            if not self.answered.is_set():
                # A server also responds with a 500 to an exception of the application.
                self._status, self._problem = 500, type(error).__name__
        finally:
            self._finish()

    async def _receive(self) -> dict[str, Any]:
        try:
            return {"type": "http.request", "body": await anext(self._parts), "more_body": True}
        except StopAsyncIteration:
            if self.answered.is_set():
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(
                (name.decode(), value.decode("latin-1")) for name, value in message["headers"]
            )
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                self._finish()

    def _finish(self) -> None:
        if not self.answered.is_set():
            self._ended = clock.now()
            self.answered.set()
