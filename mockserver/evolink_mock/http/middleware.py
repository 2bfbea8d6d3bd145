"""The outermost ASGI layer, and its error responses."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.exchange import SCOPE_KEY, Exchange
from evolink_mock.domain.store import StoreError
from evolink_mock.http.connection import (
    STOPPING,
    ConnectionDroppedError,
    MayWaitError,
    close_connection,
    is_stopping,
)
from evolink_mock.http.errors import ApiError
from evolink_mock.http.path_hint import path_hint
from evolink_mock.http.request_body import keep_body, keep_unread_body
from evolink_mock.http.requests import ClientDisconnectedError
from evolink_mock.http.responses import send_error, set_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from evolink_mock.http.cross_origin import CrossOrigin
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.http.route_table import RouteTable

_log = logging.getLogger("evolink_mock")
_MOST_COMPLETED = 64  # maximum number of exchanges that wait to be recorded


class NotFound:
    """The ASGI app that responds with a 404 to an unknown path.

    The clause is `error.other-paths`. The response contains `hint` or, if `hint` is empty, a similar path.
    """

    def __init__(self, routes: Sequence[str], hint: str = "") -> None:
        self._routes = routes
        self._hint = hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with a 404, or close a WebSocket."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        path: str = scope["path"]
        hint = self._hint or path_hint(path, self._routes)
        detail = "; ".join(filter(None, (f"there is no {path[:200]}", hint)))
        await keep_body(scope, receive)
        await send_error(send, scope[SCOPE_KEY], ApiError(404, detail))


class MethodNotAllowed:
    """The ASGI app that responds with a 405 (clause `error.other-methods`)."""

    def __init__(self, *methods: str) -> None:
        self._allow = ", ".join(methods)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with a 405 and an `Allow` header."""
        await keep_body(scope, receive)
        detail = f"{scope['path'][:200]} accepts {self._allow}"
        await send_error(
            send, scope[SCOPE_KEY], ApiError(405, detail, headers=((b"allow", self._allow.encode()),))
        )


class LaneEndpoint(Protocol):
    """An endpoint for requests in the fast lane.

    The fast lane responds to small requests without uvicorn.
    """

    def respond_at_once(self, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope) -> None:
        """Write the response into `exchange` without awaiting anything.

        `connection` contains the items `scheme` and `server` of the ASGI scope. Raises `MayWaitError`, and changes
        nothing, if the request may require waiting.
        """
        ...

    async def respond_in_batch(
        self, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope
    ) -> None:
        """Write the response into `exchange`, and await the store.

        The store processes concurrent requests in one batch. Raises `MayWaitError` if the request may require
        waiting for anything besides the store. Nothing is changed in this case.
        """
        ...


class CachedEndpoint(Protocol):
    """An endpoint that can respond from the cache of the store."""

    def respond_from_cache(self, exchange: Exchange, head: RequestHead) -> bool:
        """Write the response into `exchange`. Return False if the cache lacks data.

        Raises `MayWaitError` if the request may require waiting.
        """
        ...


class ExchangeMiddleware:
    """The outermost ASGI layer, which records each exchange.

    Internal errors are answered with the documented 500.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: RouteTable,
        observe: Callable[[Exchange], None],
        record_anonymous: Callable[[Exchange], None] = lambda _: None,
        cross_origin: CrossOrigin | None = None,
    ) -> None:
        self._app = app
        self.find = routes.find
        self._observe = observe
        self._completed: list[Exchange] = []  # not yet recorded
        self._record_anonymous = record_anonymous
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request. WebSockets and lifespan events are passed to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self.find(scope["method"], scope["path"], scope) or self._app
        await self._respond(app, scope, receive, send)

    def respond_at_once(
        self, endpoint: LaneEndpoint, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope
    ) -> None:
        """Serve one request in the fast lane. Raises `MayWaitError` if the request may require waiting."""
        try:
            endpoint.respond_at_once(exchange, head, body, connection)
        except MayWaitError:
            raise
        except Exception as error:  # noqa: BLE001  (responded to and logged)
            set_error(exchange, _error_after(error, exchange))
        self._complete(exchange)

    def respond_from_cache(self, endpoint: CachedEndpoint, exchange: Exchange, head: RequestHead) -> bool:
        """Serve one request from the cache of the store.

        Returns False if the cache lacks the necessary data.
        """
        try:
            if not endpoint.respond_from_cache(exchange, head):
                return False
        except MayWaitError:
            return False
        except Exception as error:  # noqa: BLE001  (responded to and logged)
            set_error(exchange, _error_after(error, exchange))
        self._complete(exchange)
        return True

    async def respond_in_batch(
        self, endpoint: LaneEndpoint, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope
    ) -> None:
        """Serve one request in the fast lane, and await the store.

        The store processes concurrent requests in one batch. Raises `MayWaitError` if the request may require
        waiting for anything besides the store.
        """
        try:
            await endpoint.respond_in_batch(exchange, head, body, connection)
        except MayWaitError:
            raise
        except Exception as error:  # noqa: BLE001  (responded to and logged)
            set_error(exchange, _error_after(error, exchange))
        self._complete(exchange)

    async def _respond(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = scope[SCOPE_KEY] = Exchange(
            scope["method"],
            scope["path"],
            stopwatch(),
            query=scope.get("query_string", b""),
            scheme=scope.get("scheme", "http"),
            request_headers=scope["headers"],
        )
        if self._cross_origin is not None:
            app = self._cross_origin.wrap(app, scope)
        try:
            await keep_unread_body(scope, receive)
            await app(scope, receive, send)
        except asyncio.CancelledError as error:
            if not is_stopping(error):
                raise
            await _respond_to_stopped(exchange, scope, receive, send)
        except ClientDisconnectedError:
            exchange.notes += ("the client disconnected",)
        except ConnectionDroppedError as error:
            exchange.notes += (str(error),)
            await close_connection(error, scope, receive)
        except Exception as error:  # noqa: BLE001  (responded to and logged)
            await _fail(error, exchange, send)
        finally:
            self._complete(exchange)
            self.record()

    def _complete(self, exchange: Exchange) -> None:
        exchange.seconds = stopwatch() - exchange.began
        completed = self._completed
        completed.append(exchange)
        if len(completed) >= _MOST_COMPLETED:
            self.record()

    def record(self) -> None:
        """Append the completed exchanges to the journals of their accounts.

        The fast lane calls this method once in each turn of the event loop.
        """
        # One call for many responses is twice as fast as a call for each response.
        completed, self._completed = self._completed, []
        for exchange in completed:
            if exchange.journal is not None:
                exchange.journal.append(exchange)
            else:
                self._record_anonymous(exchange)
            self._observe(exchange)
            exchange.journal = None  # the journal refers to the exchange, and cycles would not be freed


async def _fail(error: Exception, exchange: Exchange, send: Send) -> None:
    answer = _error_after(error, exchange)
    if exchange.status:
        raise error  # a part of the response was sent, so only a closed connection can show the failure
    await send_error(send, exchange, answer)


def _error_after(error: Exception, exchange: Exchange) -> ApiError:
    if isinstance(error, StoreError):
        return ApiError(503, "the store cannot be used", hint=str(error))
    # The exception is a bug of the mock.
    _log.error(
        "internal error of the mock while answering %s %s", exchange.method, exchange.path, exc_info=error
    )
    return ApiError(500)


async def _respond_to_stopped(exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
    if exchange.status:
        await close_connection(ConnectionDroppedError(sent=False), scope, receive)
    else:
        await send_error(send, exchange, ApiError(503, STOPPING))
