"""The fast lane responds to small requests without uvicorn.

The lane computes a response without waiting, and sends the whole response with one write. The received data must
contain the whole request. The request must create a task, query a task or query the credits. A call to the store must
take at most tens of microseconds. Every other request is left to uvicorn.

If a recipe may apply to a request, the ASGI endpoint raises `MayWaitError` before it has changed anything. The endpoint
does the same if the request contains a callback URL. The lane then leaves the request to uvicorn. The lane and uvicorn
give the same response, journal entry and log line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from evolink_mock.api.create import CreateEndpoint
from evolink_mock.api.credits import CreditsEndpoint
from evolink_mock.api.query import QueryEndpoint
from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.exchange import Exchange
from evolink_mock.http.connection import MayWaitError
from evolink_mock.http.middleware import ExchangeMiddleware
from evolink_mock.server.header_block import HeaderBlocks

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Iterable

    from starlette.types import ASGIApp, Scope

    from evolink_mock.domain.store import BatchingStore
    from evolink_mock.http.middleware import LaneEndpoint
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.service.service import Service

    Headers = list[tuple[bytes, bytes]]
    _Route = tuple[str, str, LaneEndpoint]  # method, path, endpoint

_REQUEST_LINE = re.compile(rb"(GET|POST) (/[\w./-]{1,200}) HTTP/1\.1")
_ENDPOINTS = (CreateEndpoint, CreditsEndpoint, QueryEndpoint)
_MOST_ROUTES = 512  # maximum number of cached routes
MOST_REQUESTS = 16  # maximum per call, so that a client that sends many at once does not delay other clients


class Connection(Protocol):
    """The part of a connection that the fast lane uses."""

    shared_scope: Scope  # the `scheme` and `server` of the connection, as in ASGI


class LaneRequest(Struct, frozen=True, gc=False):
    """A complete request in the received data."""

    endpoint: LaneEndpoint
    exchange: Exchange
    head: RequestHead
    body: bytes
    end: int  # its end, as an offset in the received data


class FastLane:
    """Responds to small requests to one ASGI app without uvicorn.

    Requests that may have to wait are left to uvicorn.
    """

    def __init__(self, app: ExchangeMiddleware, batching_store: BatchingStore | None = None) -> None:
        self._app = app
        self.batching_store = batching_store  # None if the store is not a `BatchingStore`
        self._blocks = HeaderBlocks()
        self._routes: dict[bytes, _Route] = {}  # by request line, because clients repeat them
        self._default_headers: Headers = []
        self._default_lines = b""
        self._will_record = False
        self.ended = 0.0  # when the last request was served, on the stopwatch

    def answer(self, data: bytes, connection: Connection, default_headers: Headers) -> tuple[bytes, int]:
        """Serve the requests in `data` until the fast lane cannot serve one.

        Returns the responses, and the length of the served requests in bytes. The rest of `data` is left to uvicorn.
        """
        responses: list[bytes] = []
        end = count = 0
        while end < len(data) and count < MOST_REQUESTS:
            request = self.read(data, end, connection)
            if request is None:
                break
            exchange = request.exchange
            try:
                self._app.respond_at_once(
                    request.endpoint, exchange, request.head, request.body, connection.shared_scope
                )
            except MayWaitError:
                break
            end = request.end
            count += 1
            responses += self.response(exchange, default_headers)
        return b"".join(responses), end

    def read(self, data: bytes, start: int, connection: Connection) -> LaneRequest | None:
        """Read the request that begins at the offset `start`. Return None if uvicorn must serve it."""
        line_end, head_end = data.find(b"\r\n", start), data.find(b"\r\n\r\n", start)
        if head_end < 0:
            return None
        route = self._routes.get(line := data[start:line_end]) or self._route(line)
        block = self._blocks.get(data[line_end + 2 : head_end + 2])
        if route is None or block is None:
            return None
        method, path, endpoint = route
        end = head_end + 4 + block.length
        body = data[head_end + 4 : end]
        if end > len(data) or (body and method == "GET"):
            return None
        scheme = connection.shared_scope["scheme"]
        exchange = Exchange(method, path, stopwatch(), scheme=scheme, request_headers=block.headers)
        return LaneRequest(endpoint, exchange, block.head, body, end)

    def serve_from_cache(self, request: LaneRequest) -> bool:
        """Answer a status query with data from the store's cache. Return False if the cache lacks the data."""
        endpoint = request.endpoint
        if not isinstance(endpoint, QueryEndpoint):
            return False
        return self._app.respond_from_cache(endpoint, request.exchange, request.head)

    def serving(self, request: LaneRequest, connection: Connection) -> Coroutine[Any, Any, None]:
        """Return the coroutine that serves a request. The coroutine yields the commands for the store.

        The coroutine raises `MayWaitError` if uvicorn must serve the request.
        """
        return self._app.respond_in_batch(
            request.endpoint, request.exchange, request.head, request.body, connection.shared_scope
        )

    def response(self, exchange: Exchange, default_headers: Headers) -> list[bytes]:
        """Return the parts of a response. The joined parts are the bytes that uvicorn would send."""
        if default_headers is not self._default_headers:  # uvicorn replaces them every second, for the date
            self._default_headers, self._default_lines = default_headers, _lines(default_headers)
        self.ended = exchange.began + exchange.seconds
        headers = _header_lines(tuple(exchange.answer_headers))
        return [STATUS_LINE[exchange.status], self._default_lines, headers, b"\r\n", exchange.answer_body]

    def record_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Record the served requests in the next turn of the event loop.

        The responses are sent before the requests are recorded.
        """
        if not self._will_record:
            self._will_record = True
            loop.call_soon(self._record)

    def _record(self) -> None:
        self._will_record = False
        self._app.record()

    # None if uvicorn must serve the request. `line` is a request line such as `GET /v1/credits HTTP/1.1`.
    def _route(self, line: bytes) -> _Route | None:
        match = _REQUEST_LINE.fullmatch(line)
        if match is None:
            return None
        method, path = match[1].decode("ascii"), match[2].decode("ascii")
        endpoint = self._app.find(method, path, {})
        if not isinstance(endpoint, _ENDPOINTS):
            return None
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        route = self._routes[line] = (method, path, endpoint)
        return route


def fast_lane(app: ASGIApp, service: Service) -> FastLane | None:
    """Create the fast lane of an app.

    Returns None if the settings turn the lane off. Returns None if a recipe applies to all requests. Returns None if
    calls to the store may be slow.
    """
    settings, store = service.settings, service.store
    may_wait = service.default_recipe or not hasattr(store, "find_now")  # the store is not a `LocalStore`
    if settings.no_fast_lane or may_wait or not isinstance(app, ExchangeMiddleware):
        return None
    return FastLane(app, cast("BatchingStore", store) if hasattr(store, "is_batching") else None)


@lru_cache(maxsize=512)  # responses of equal size have equal headers
def _header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return _lines(headers)


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
