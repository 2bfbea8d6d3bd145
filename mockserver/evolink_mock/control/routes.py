"""The routes of the control API under `/__mock__/`, as one table. The file control.yaml documents them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Mount, Route, Router

from evolink_mock.control import accounts, clock, journal_routes, origin_check, server_info, tasks
from evolink_mock.control.handler import (
    ERRORS,
    ControlRequest,
    ControlResponse,
    Empty,
    Handler,
    decode_body,
    decode_query,
    json_response,
    send_response,
)
from evolink_mock.control.operator_key import ACCOUNT_HEADER, is_operator
from evolink_mock.control.paging import PageQuery
from evolink_mock.domain.accounts import is_accepted
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.key_hint import unauthorized
from evolink_mock.http.middleware import ExchangeMiddleware, MethodNotAllowed, NotFound
from evolink_mock.http.requests import read_body, token_of
from evolink_mock.http.responses import send_error
from evolink_mock.http.route_table import RouteTable
from evolink_mock.service.moving import ClockBusyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from msgspec import Struct
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.service.service import Service

PREFIX = "/__mock__"
_BODY_LIMIT = 65_536  # bytes
_READS = ("GET", "HEAD")


async def list_routes(request: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Return the routes of the control API."""
    routes = [{"method": row.method, "path": f"{PREFIX}{row.path.rstrip('/')}"} for row in ROWS]
    return json_response({"routes": routes, "openapi": f"{PREFIX}/openapi.json"})


class Row(NamedTuple):
    """One route of the control API."""

    method: str
    path: str
    handler: Handler
    body: type[Struct] = Empty
    query: type[Struct] = Empty
    owned: bool = True  # whether the request concerns one account, that of its bearer token
    public: bool = False  # whether the origin and the token of the request are not checked


ROWS: tuple[Row, ...] = (
    Row("GET", "/", list_routes, owned=False),
    Row("GET", "/health", server_info.show_health, owned=False, public=True),
    Row("GET", "/ready", server_info.show_readiness, owned=False, public=True),
    Row("GET", "/metrics", server_info.show_metrics, owned=False, public=True),
    Row("GET", "/openapi.yaml", server_info.show_openapi_yaml, owned=False),
    Row("GET", "/openapi.json", server_info.show_openapi_json, owned=False),
    Row("GET", "/spec", server_info.show_spec, owned=False),
    Row("GET", "/clauses", server_info.list_clauses, owned=False),
    Row("GET", "/ca.pem", server_info.show_certificate, owned=False),
    Row("GET", "/recipes/catalog", server_info.list_catalog, owned=False),
    Row("POST", "/snapshot", server_info.take_snapshot, owned=False),
    Row("POST", "/reset", accounts.reset_server, owned=False),
    Row("GET", "/unmatched.har", journal_routes.show_unmatched_har, owned=False),
    Row("GET", "/accounts", accounts.list_accounts, query=PageQuery, owned=False),
    Row("POST", "/accounts", accounts.open_account, accounts.Terms),
    Row("GET", "/account", accounts.show_account),
    Row("PATCH", "/account", accounts.change_account, accounts.Terms),
    Row("DELETE", "/account", accounts.drop_account),
    Row("GET", "/recipes", accounts.list_recipes),
    Row("POST", "/recipes", accounts.assign_recipe, accounts.AssignRecipeBody),
    Row("DELETE", "/recipes", accounts.clear_recipes),
    Row("GET", "/journal", journal_routes.show_journal, query=journal_routes.JournalQuery),
    Row("DELETE", "/journal", journal_routes.clear_journal),
    Row("GET", "/journal.har", journal_routes.show_journal_har),
    Row("GET", "/violations", journal_routes.show_violations),
    Row("GET", "/clock", clock.show_clock),
    Row("POST", "/clock/freeze", clock.freeze_clock),
    Row("POST", "/clock/advance", clock.advance_clock, clock.Advance),
    Row("POST", "/clock/set", clock.set_clock, clock.SetTime),
    Row("POST", "/clock/resume", clock.resume_clock),
    Row("GET", "/tasks", tasks.list_tasks, query=PageQuery),
    Row("GET", "/tasks/{task_id}", tasks.show_task),
    Row("POST", "/tasks/{task_id}/outcome", tasks.force_outcome, tasks.ForcedOutcome),
    Row("POST", "/tasks/{task_id}/expire", tasks.expire_links),
    Row("GET", "/callbacks", tasks.list_callbacks, query=PageQuery),
    Row("GET", "/callbacks/{task_id}", tasks.show_callback),
    Row("POST", "/callbacks/{task_id}/replay", tasks.redeliver_callback),
    Row("POST", "/wait/task", tasks.wait_for_task, tasks.WaitForTask),
    Row("POST", "/wait/callbacks", tasks.wait_for_callbacks, tasks.WaitForCallbacks),
)

# The hint of a 404 where the control API is not served: at another address, or nowhere.
_ABSENT = ("the control API has an address of its own (--control)", "the control API is off (--control)")

PATHS = [f"{PREFIX}{row.path}" for row in ROWS]


class ControlEndpoint:
    """The ASGI endpoint of one route.

    The endpoint checks the request, calls the handler, and sends the response.
    """

    def __init__(self, service: Service, row: Row, own: origin_check.OwnNames) -> None:
        self._service = service
        self._row = row
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        exchange = scope[SCOPE_KEY]
        request = await self._request(scope, receive)
        response = request if isinstance(request, ApiError) else await self._handle(request)
        if isinstance(response, ApiError):
            await send_error(send, exchange, response, ERRORS)
        else:
            await send_response(send, exchange, response)

    async def _handle(self, request: ControlRequest) -> ControlResponse | ApiError:
        try:
            return await self._row.handler(request)
        except ClockBusyError as error:
            return ApiError(409, str(error))

    async def _request(self, scope: Scope, receive: Receive) -> ControlRequest | ApiError:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        row = self._row
        token = await self._token(headers)
        own = self._own.at(_address(scope))
        error = (
            None
            if row.public
            else origin_check.origin_error(
                headers, own, trusted=bool(self._service.tokens) and token is not None
            )
        )
        if error is None and row.owned and token is None:
            error = unauthorized(headers, scope.get("query_string", b""))
        query = error or decode_query(scope.get("query_string", b""), row.query)
        if isinstance(query, ApiError):
            return query
        body = await self._body(scope, receive, headers)
        if isinstance(body, ApiError):
            return body
        account = await self._account(token)
        task_id = scope.get("path_params", {}).get("task_id", "")
        return ControlRequest(self._service, account, body, query, task_id)

    async def _token(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the token of the account that the request concerns."""
        label = headers.get(ACCOUNT_HEADER)
        if label is None or not is_operator(headers, self._service.operator_key):
            return accepted_token(self._service, headers)
        accounts = await self._service.store.accounts()
        return next((account.token for account in accounts if account.label.encode() == label), None)

    async def _body(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> Struct | ApiError:
        if scope["method"] in _READS:
            return Empty()
        raw = await read_body(receive, headers, _BODY_LIMIT)
        if isinstance(raw, ApiError):
            return raw
        return decode_body(raw, headers.get(b"content-type", b""), self._row.body)

    async def _account(self, token: str | None) -> Account:
        if token is None or not self._row.owned:
            return self._service.anonymous
        return await self._service.store.account(token)


def accepted_token(service: Service, headers: Mapping[bytes, bytes]) -> str | None:
    """Return the bearer token if this server accepts it; otherwise None."""
    token = token_of(headers.get(b"authorization", b""))
    if token is not None and service.tokens and not is_accepted(token, service.tokens):
        return None
    return token


def _address(scope: Scope) -> str | None:
    server = scope.get("server")
    return None if server is None else str(server[0])


def own_names(service: Service, bound_to: str | None = None) -> origin_check.OwnNames:
    """Return the host names under which clients may address the control API.

    `bound_to` is the `HOST:PORT` of a separate listener for the control API. Without a separate listener, `bound_to` is
    None.
    """
    settings = service.settings
    hosts = origin_check.hosts_of(settings.host, settings.public_url, bound_to)
    return origin_check.OwnNames(hosts, settings.allow_hosts)


def control_routes(service: Service, bound_to: str | None = None) -> list[BaseRoute]:
    """Return the routes of the control API for one listener.

    `bound_to` is the `HOST:PORT` of a separate listener; None for the main listener. The main listener gets the public
    routes. If the setting `control` is "on", the main listener gets all routes.
    """
    own = own_names(service, bound_to)
    settings = service.settings
    served = [row for row in ROWS if row.public or bound_to or settings.control == "on"]
    routes = [Route(row.path, ControlEndpoint(service, row, own), methods=[row.method]) for row in served]
    methods: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[route.path] |= route.methods or set()
    endpoints = {row.path: route for row, route in zip(served, routes, strict=True)}
    routes += [Route(path, MethodNotAllowed(*sorted(allowed))) for path, allowed in methods.items()]
    root = [Route(PREFIX, endpoints["/"].endpoint, methods=["GET"])] if "/" in endpoints else []
    hint = "" if len(served) == len(ROWS) else _ABSENT[settings.control == "off"]
    return [*root, Mount(PREFIX, Router(routes, default=NotFound(PATHS, hint), redirect_slashes=False))]


def create_control_app(service: Service, bound_to: str, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Create the app of a separate listener at `bound_to` (`HOST:PORT`).

    The app also serves the routes in `more`.
    """
    app = Router([*more, *control_routes(service, bound_to)], default=NotFound(PATHS))
    return ExchangeMiddleware(app, RouteTable(()), lambda _: None)
