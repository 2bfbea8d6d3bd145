"""The control API under `/__mock__/`: one flat table of routes, described by control.yaml."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Route, Router

from evolink_mock.control import accounts, clock, origin_check, tasks
from evolink_mock.control import server_info as facts
from evolink_mock.control.handler import ERRORS, Act, ControlRequest, Empty, decode, send_reply
from evolink_mock.domain.accounts import is_accepted
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.key_hint import unauthorized
from evolink_mock.http.middleware import ExchangeMiddleware, MethodNotAllowed, NotFound
from evolink_mock.http.requests import read_body, token_of
from evolink_mock.http.responses import send_error
from evolink_mock.http.route_table import RouteTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct
    from starlette.types import ASGIApp, Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.service.service import Service

PREFIX = "/__mock__"
_BODY_LIMIT = 65_536  # bytes
_READS = ("GET", "HEAD")


class Row(NamedTuple):
    """One operation: `body` is what it takes; without `owned` it concerns no account in particular."""

    method: str
    path: str
    act: Act
    body: type[Struct] = Empty
    owned: bool = True


ROWS: tuple[Row, ...] = (
    Row("GET", "/health", facts.health, owned=False),
    Row("GET", "/ready", facts.ready, owned=False),
    Row("GET", "/openapi.yaml", facts.openapi_yaml, owned=False),
    Row("GET", "/openapi.json", facts.openapi_json, owned=False),
    Row("GET", "/spec", facts.spec, owned=False),
    Row("GET", "/clauses", facts.clauses, owned=False),
    Row("GET", "/ca.pem", facts.authority, owned=False),
    Row("GET", "/cookbook", facts.cookbook, owned=False),
    Row("POST", "/reset", accounts.reset, owned=False),
    Row("GET", "/strays.har", accounts.strays_har, owned=False),
    Row("GET", "/accounts", accounts.listed, owned=False),
    Row("POST", "/accounts", accounts.opened, accounts.Terms),
    Row("GET", "/account", accounts.shown),
    Row("PATCH", "/account", accounts.changed, accounts.Terms),
    Row("DELETE", "/account", accounts.dropped),
    Row("GET", "/recipes", accounts.standing),
    Row("POST", "/recipes", accounts.placed, accounts.Order),
    Row("DELETE", "/recipes", accounts.cleared),
    Row("GET", "/journal", accounts.journal),
    Row("DELETE", "/journal", accounts.journal_cleared),
    Row("GET", "/journal.har", accounts.journal_har),
    Row("GET", "/clock", clock.shown),
    Row("POST", "/clock/freeze", clock.frozen),
    Row("POST", "/clock/advance", clock.advanced, clock.Advance),
    Row("POST", "/clock/set", clock.moved, clock.Instant),
    Row("POST", "/clock/resume", clock.resumed),
    Row("GET", "/tasks", tasks.listed),
    Row("GET", "/tasks/{task_id}", tasks.shown),
    Row("POST", "/tasks/{task_id}/outcome", tasks.forced, tasks.Forced),
    Row("GET", "/callbacks", tasks.callbacks),
    Row("GET", "/callbacks/{task_id}", tasks.callback),
    Row("POST", "/callbacks/{task_id}/replay", tasks.replayed),
    Row("POST", "/wait/task", tasks.wait_for_task, tasks.WaitForTask),
    Row("POST", "/wait/callbacks", tasks.wait_for_callbacks, tasks.WaitForCallbacks),
)
PATHS = [f"{PREFIX}{row.path}" for row in ROWS]


class ControlEndpoint:
    """One row of the table as an ASGI endpoint: who asks, for which account, with what; then the act."""

    def __init__(self, service: Service, row: Row, own: frozenset[str]) -> None:
        self._service = service
        self._row = row
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = scope[SCOPE_KEY]
        found = await self._ask(scope, receive)
        reply = found if isinstance(found, ApiError) else await self._row.act(found)
        if isinstance(reply, ApiError):
            await send_error(send, exchange, reply, ERRORS)
        else:
            await send_reply(send, exchange, reply)

    async def _ask(self, scope: Scope, receive: Receive) -> ControlRequest | ApiError:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        fault = origin_check.refusal(headers, self._own | origin_check.hosts_of(_address(scope)))
        if fault is not None:
            return fault
        token = _token(self._service, headers)
        if self._row.owned and token is None:
            return unauthorized(headers, scope.get("query_string", b""))
        body: Struct | ApiError = Empty()
        if scope["method"] not in _READS:
            raw = await read_body(receive, headers, _BODY_LIMIT)
            if isinstance(raw, ApiError):
                return raw
            body = decode(raw, headers.get(b"content-type", b""), self._row.body)
            if isinstance(body, ApiError):
                return body
        account = await self._account(token)
        return ControlRequest(self._service, account, body, scope.get("path_params", {}).get("task_id", ""))

    async def _account(self, token: str | None) -> Account:
        if token is None or not self._row.owned:
            return self._service.anonymous
        return await self._service.store.account(token)


def _token(service: Service, headers: Mapping[bytes, bytes]) -> str | None:
    """The token, where it is one that this server accepts."""
    token = token_of(headers.get(b"authorization", b""))
    if token is not None and service.tokens and not is_accepted(token, service.tokens):
        return None
    return token


def _address(scope: Scope) -> str | None:
    """Where the connection came in."""
    server = scope.get("server")
    return None if server is None else str(server[0])


def control_routes(service: Service, elsewhere: str | None = None) -> Router:
    """The routes, below the prefix. `elsewhere` is the `HOST:PORT` that they are bound to, when it is not the API's."""
    settings = service.settings
    own = frozenset(origin_check.hosts_of(settings.host, settings.public_url, elsewhere))
    routes = [Route(row.path, ControlEndpoint(service, row, own), methods=[row.method]) for row in ROWS]
    methods: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[route.path] |= route.methods or set()
    routes += [Route(path, MethodNotAllowed(*sorted(known))) for path, known in methods.items()]
    return Router(routes, default=NotFound(PATHS), redirect_slashes=False)


def create_control_app(service: Service, elsewhere: str) -> ASGIApp:
    """The control API alone, to be served at `elsewhere` (`HOST:PORT`) beside the API that shares its service."""
    from starlette.routing import Mount

    app = Router([Mount(PREFIX, control_routes(service, elsewhere))], default=NotFound(PATHS))
    return ExchangeMiddleware(app, RouteTable(()), lambda _: None)
