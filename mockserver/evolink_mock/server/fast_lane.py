"""Answer a small request at once: without a task, in one call of the application and one write.

Only requests that never wait take this lane: complete in the received data, to an endpoint of the API, without a recipe
or a callback, with a store in this process. The application is the same, and so are its answer, its journal and its log
line. Everything else is served by uvicorn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from evolink_mock.api.create import CreateEndpoint
from evolink_mock.api.credits import CreditsEndpoint
from evolink_mock.api.query import QueryEndpoint
from evolink_mock.domain.accounts import is_accepted
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.connection import BODY
from evolink_mock.http.middleware import ExchangeMiddleware
from evolink_mock.server.header_block import HeaderBlocks

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import ASGIApp, Message, Scope

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.server.header_block import HeaderBlock
    from evolink_mock.service.service import Service

    Headers = list[tuple[bytes, bytes]]

_T = TypeVar("_T")
_REQUEST_LINE = re.compile(rb"(GET|POST) (/[\w./-]{1,200}) HTTP/1\.1\r\n")
_ENDPOINTS = (CreateEndpoint, CreditsEndpoint, QueryEndpoint)
_MOST_REQUESTS = 16  # answered in one call, so that a pipelining client does not delay the others
_RECIPE = b"[["  # may begin a recipe in a prompt
_ESCAPED_ASCII = b"\\u00"  # the only other spelling of the letters of a member's name, and of a bracket
_METHODS = {b"GET": "GET", b"POST": "POST"}


class Connection(Protocol):
    """What the lane needs of a connection."""

    @property
    def client(self) -> tuple[str, int] | None:
        """The address of the client."""
        ...

    @property
    def server(self) -> tuple[str, int | None] | None:
        """The address that the client connected to."""
        ...

    @property
    def scheme(self) -> Any:
        """The scheme: http or https."""
        ...


class _Request(NamedTuple):
    """A complete request within the received data."""

    method: str
    path: str
    block: HeaderBlock
    body: bytes
    end: int


class FastLane:
    """The lane of one application."""

    def __init__(self, app: ExchangeMiddleware, service: Service) -> None:
        self._app = app
        self._service = service
        self._blocks = HeaderBlocks()
        rules = (create.callback for creates in service.spec.creates.values() for create in creates.values())
        self._waiting_signs = (
            _RECIPE,
            _ESCAPED_ASCII,
            *{rule.field.encode() for rule in rules if rule is not None},
        )
        self._default_headers: Headers = []
        self._default_lines = b""

    def answer(self, data: bytes, connection: Connection, default_headers: Headers) -> tuple[bytes, int]:
        """The responses to the first requests in the data, and the number of bytes of those requests.

        The rest of the data begins with a request that is served the ordinary way, or is empty.
        """
        responses: list[bytes] = []
        end = 0
        while end < len(data) and len(responses) < _MOST_REQUESTS:
            request = self._read(data, end)
            exchange = None if request is None else self._respond(request, connection)
            if request is None or exchange is None:
                break
            responses.append(self._response(exchange, default_headers))
            end = request.end
        return (responses[0] if len(responses) == 1 else b"".join(responses)), end

    def _read(self, data: bytes, start: int) -> _Request | None:
        """The request that begins at `start`, if it is complete and never waits for anything."""
        line = _REQUEST_LINE.match(data, start)
        if line is None:
            return None
        headers_start = line.end()
        head_end = data.find(b"\r\n\r\n", headers_start - 2)
        if head_end < 0:
            return None
        block = self._blocks.get(data[headers_start : head_end + 2])
        if block is None:
            return None
        method, path = line.groups()
        body_start = head_end + 4
        end = body_start + block.length
        if end > len(data) or (block.length and method == b"GET"):
            return None
        body = data[body_start:end]
        for sign in self._waiting_signs:
            if sign in body:
                return None
        return _Request(_METHODS[method], path.decode("ascii"), block, body, end)

    def _respond(self, request: _Request, connection: Connection) -> Exchange | None:
        """Call the application; None if the endpoint may wait."""
        scope: Scope = {
            "type": "http",
            "method": request.method,
            "path": request.path,
            "query_string": b"",
            "headers": request.block.headers,
            "scheme": connection.scheme,
            "server": connection.server,
            "client": connection.client,
            BODY: request.body,
        }
        endpoint = self._app.find(request.method, request.path, scope)
        if not isinstance(endpoint, _ENDPOINTS) or self._has_assigned_recipe(request.block.token):
            return None
        run_at_once(self._app.respond(endpoint, scope, _receive, _send))
        exchange: Exchange = scope[SCOPE_KEY]
        return exchange

    def _has_assigned_recipe(self, token: str | None) -> bool:
        service = self._service
        if token is None or (service.tokens and not is_accepted(token, service.tokens)):
            return False
        account, _ = service.store.find_now(token, "")
        return account.assigned is not None

    def _response(self, exchange: Exchange, default_headers: Headers) -> bytes:
        """The bytes that uvicorn would send."""
        if default_headers is not self._default_headers:  # replaced every second, with the date
            self._default_headers, self._default_lines = default_headers, _lines(default_headers)
        head = _lines(exchange.answer_headers)
        return b"%b%b%b\r\n%b" % (
            STATUS_LINE[exchange.status],
            self._default_lines,
            head,
            exchange.answer_body,
        )


def fast_lane(app: ASGIApp, service: Service) -> FastLane | None:
    """The lane of an application; None if its requests may wait, or it is switched off."""
    settings = service.settings
    may_wait = service.default_recipe or not hasattr(service.store, "find_now")  # a remote store
    if settings.no_fast_lane or may_wait or not isinstance(app, ExchangeMiddleware):
        return None
    return FastLane(app, service)


def run_at_once(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that never waits. RuntimeError if it does."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    coroutine.close()
    raise RuntimeError("a request in the fast lane has waited")


async def _receive() -> Message:
    """Never called: the body is in the scope."""
    raise RuntimeError("the body is in the scope")


async def _send(_: Message) -> None:
    """Send nothing: the exchange records the response."""


def _lines(headers: Any) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
