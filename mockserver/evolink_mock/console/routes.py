"""The routes of the console under `/__mock__/`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from evolink_spec.joined_documents import joined_documents
from starlette.routing import Route

from evolink_mock.console import pages, web_response
from evolink_mock.console.event_stream import json_events, stream
from evolink_mock.console.guard import AccessGuard
from evolink_mock.console.rendering import FOLDER, POLICY, REFERENCE_POLICY
from evolink_mock.console.resend import resend
from evolink_mock.console.web_response import WebResponse, html, json, redirect, refusal, send_web_response
from evolink_mock.control.operator_key import HEADER, is_operator, set_cookie
from evolink_mock.control.routes import PREFIX, accepted_token
from evolink_mock.domain.exchange import KEPT, SCOPE_KEY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from evolink_mock.control.origin_check import OwnNames
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

START = f"{PREFIX}/ui"
_TYPES = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8"}


class PageRow(NamedTuple):
    """The route of one page.

    A `public` page shows no data of any account, and needs no operator's key.
    """

    path: str
    page: pages.Page
    public: bool = False
    policy: bytes = POLICY


PAGES = (
    PageRow("/ui", pages.start, public=True),
    PageRow("/ui/live", pages.live),
    PageRow("/ui/exchanges/{item}", pages.exchange),
    PageRow("/ui/tasks", pages.tasks),
    PageRow("/ui/tasks/{item}", pages.tasks),
    PageRow("/ui/accounts", pages.accounts),
    PageRow("/ui/accounts/{item}", pages.accounts),
    PageRow("/ui/recipes", pages.recipes),
    PageRow("/ui/recipes/{item}", pages.recipes),
    PageRow("/docs", pages.reference, public=True, policy=REFERENCE_POLICY),
)

# Operations of the control API that exist only if the console is on. control.yaml documents them too.
EVENTS = ("GET", "/events")
RESEND = ("POST", "/exchanges/{number}/resend")


def console_routes(service: Service, own: OwnNames, api: Callable[[], ASGIApp]) -> list[Route]:
    """Return all routes of the console; none if the setting `ui` is "off".

    `api` returns the ASGI app that gets a repeated request.
    """
    if service.settings.ui == "off":
        return []
    guard = AccessGuard(service, own)
    routes = [Route(PREFIX + row.path, PageEndpoint(guard, row), methods=["GET"]) for row in PAGES]
    return [
        *routes,
        Route(f"{START}/stream", RowStream(guard), methods=["GET"]),
        Route(PREFIX + EVENTS[1], EventStream(guard), methods=[EVENTS[0]]),
        Route(f"{START}/static/{{name}}", StaticFile(guard), methods=["GET"]),
        Route(f"{START}/documents/{{number:int}}.json", Document(guard), methods=["GET"]),
        Route(PREFIX + RESEND[1].replace("}", ":int}"), Resend(guard, api), methods=[RESEND[0]]),
    ]


class RedirectBrowsers:
    """Redirects browsers from the server's root URL to the console.

    `app` gets all remaining requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect a browser to the console, or pass the request to `app`."""
        if (
            scope["type"] == "http"
            and (scope["method"], scope["path"]) == ("GET", "/")
            and _wants_html(scope)
        ):
            await send_web_response(scope, send, redirect(START))
            return
        await self._app(scope, receive, send)


def _wants_html(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


class PageEndpoint:
    """The endpoint of one page.

    A request may contain the operator's key in the query parameter `key`. The endpoint then stores the key in a cookie.
    The response redirects to the same page without `key`.
    """

    def __init__(self, guard: AccessGuard, row: PageRow) -> None:
        self._guard, self._row = guard, row

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        """Respond with the page, a redirect, or an error."""
        await send_web_response(scope, send, await self._response(scope))

    async def _response(self, scope: Scope) -> WebResponse:
        query = pages.query_of(scope.get("query_string", b""))
        key = query.get("key")
        refused = self._guard.refusal(scope, public=self._row.public or key is not None)
        if refused is not None:
            return refused
        service = self._guard.service
        if key is not None:
            if not is_operator({HEADER: key.encode()}, service.operator_key):
                return refusal(403, "this link belongs to another mock, or to an earlier run of this one")
            return redirect(PREFIX + self._row.path, ((b"set-cookie", set_cookie(key)),))
        headers: dict[bytes, bytes] = dict(scope["headers"])
        item = scope.get("path_params", {}).get("item", "")
        base_url = service.origins.of(scope, headers)
        request = pages.PageRequest(service, query, item, base_url, self._guard.is_operator(headers))
        body = await self._row.page(request)
        return (
            refusal(404, "this is no longer stored") if body is None else html(body, policy=self._row.policy)
        )


class RowStream:
    """The endpoint that sends new exchanges as rows of the live view."""

    def __init__(self, guard: AccessGuard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the page is closed."""
        refused = self._guard.refusal(scope, public=False)
        if refused is not None:
            await send_web_response(scope, send, refused)
            return
        selection = pages.filter_of(pages.query_of(scope.get("query_string", b"")))
        feed = self._guard.service.exchange_feed
        await stream(scope, receive, send, feed, pages.row_events(selection), pages.CLEARED)


class EventStream:
    """The endpoint that sends new exchanges as JSON.

    With the operator's key, a client gets the exchanges of all accounts. With an API key, a client gets the exchanges
    of its account.
    """

    def __init__(self, guard: AccessGuard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client disconnects."""
        service, headers = self._guard.service, dict(scope["headers"])
        token = accepted_token(service, headers)
        refused = self._guard.refusal(scope, public=token is not None)
        if refused is not None:
            await send_web_response(scope, send, refused)
            return
        label = None if token is None else (await service.store.account(token)).label

        def is_visible(exchange: Exchange) -> bool:
            return label is None or exchange.account == label

        await stream(scope, receive, send, service.exchange_feed, json_events(is_visible))


class StaticFile:
    """The endpoint for scripts and style sheets."""

    def __init__(self, guard: AccessGuard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        """Respond with the file that the path names, or with a 404."""
        name: str = scope["path_params"]["name"]
        content, kind = _static().get(name), _TYPES.get(name.rpartition(".")[2])
        response = self._guard.refusal(scope, public=True)
        if response is None and (content is None or kind is None):
            response = refusal(404, "there is no such file")
        elif response is None:
            response = WebResponse(content or b"", kind or b"", headers=((b"cache-control", b"no-cache"),))
        await send_web_response(scope, send, response)


@cache
def _static() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (FOLDER / "static").iterdir() if path.is_file()}


class Document:
    """The endpoint that returns an OpenAPI document of the simulated API.

    Documents of create operations also contain the paths and components of the status query. The member `servers` names
    this server.
    """

    def __init__(self, guard: AccessGuard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        """Respond with one document. The path contains the number of the document.

        If no document has this number, the response is a 404.
        """
        response = self._guard.refusal(scope, public=True)
        # Create operations refer to components in the document of the status query.
        documents = [*joined_documents(self._guard.service.spec).values()]
        number = scope["path_params"]["number"]
        if response is None and number < len(documents):
            response = json({**documents[number], "servers": [{"url": "/"}]})
        await send_web_response(scope, send, response or refusal(404, "there is no such document"))


class Resend:
    """The endpoint that sends a recorded request again, with its original API key."""

    def __init__(self, guard: AccessGuard, api: Callable[[], ASGIApp]) -> None:
        self._guard, self._api = guard, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        """Resend the request with the number in the path."""
        refused = self._guard.refusal(scope, public=False)
        if refused is not None:
            await send_web_response(scope, send, refused)
            return
        feed = self._guard.service.exchange_feed
        exchange = feed.get(scope["path_params"]["number"])
        if exchange is None or len(exchange.request_body) >= KEPT:
            detail = "the request is no longer stored, or its body was too long to be stored whole"
            await send_error(send, scope[SCOPE_KEY], ApiError(404, detail))
            return
        sent, status = await resend(self._api(), exchange)
        result = {"number": feed.number_of(sent), "status": status}
        await send_web_response(scope, send, web_response.json(result, 201))
