"""The application: routes over one service. `create_app` is what a server, or a test in process, runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.routing import Mount, Route, Router

from evolink_mock.api.endpoints import CreateEndpoint, CreditsEndpoint, QueryEndpoint
from evolink_mock.api.media import MediaEndpoint
from evolink_mock.control.routes import PREFIX, control_routes
from evolink_mock.domain.task_body import MEDIA_PATH
from evolink_mock.http.middleware import ExchangeMiddleware, MethodNotAllowed, not_found
from evolink_mock.http.route_table import RouteTable
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from evolink_spec import Spec
    from starlette.types import ASGIApp

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange

CREDITS_PATH = "/v1/credits"


def create_app(
    spec: Spec,
    settings: Settings | None = None,
    clock: Clock | None = None,
    observe: Callable[[Exchange], None] = lambda _: None,
) -> ASGIApp:
    """The mock as an ASGI application. `observe` hears of every exchange when it is over.

    Starlette's router without its application class: `ExchangeMiddleware` does what the error layers of that class
    do, and has to stand outside of everything anyway.
    """
    return app_of(Service(spec, settings or Settings(), clock), observe)


def app_of(service: Service, observe: Callable[[Exchange], None] = lambda _: None) -> ASGIApp:
    """The application over a service, with the control API where the settings do not have it elsewhere."""
    routes = _routes(service)
    control = [Mount(PREFIX, control_routes(service))] if service.settings.control == "on" else []
    router = Router(
        [*routes, *control], default=not_found, redirect_slashes=False, lifespan=_lifespan(service)
    )
    return ExchangeMiddleware(router, RouteTable(routes), _remembering(service, observe))


def _remembering(service: Service, observe: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Keep what belongs to no account, too: asked without a key, with one that is refused, or at another path."""

    def remember(exchange: Exchange) -> None:
        if exchange.owner is None and not exchange.path.startswith(f"{PREFIX}/"):
            exchange.at = exchange.at or service.clock.now() - exchange.seconds
            service.anonymous.journal.append(exchange)
        observe(exchange)

    return remember


def _routes(service: Service) -> list[Route]:
    """Every path once with its methods, then once more for every other method."""
    query = service.spec.query
    routes = [Route(query.path, QueryEndpoint(service, query), methods=["GET"])]
    routes += [
        Route(path, CreateEndpoint(service, by_model), methods=[method])
        for (method, path), by_model in service.spec.creates.items()
    ]
    routes.append(Route(CREDITS_PATH, CreditsEndpoint(service), methods=["GET"]))
    routes.append(Route(MEDIA_PATH + "{name}", MediaEndpoint(service), methods=["GET"]))
    return routes + [Route(route.path, MethodNotAllowed(*sorted(route.methods or ()))) for route in routes]


def _lifespan(service: Service) -> Callable[[object], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        calling = asyncio.create_task(service.callback_service.run())
        service.ready = True
        try:
            yield
        finally:
            service.ready = False
            await service.callback_service.close()
            await service.times.close()
            calling.cancel()
            with suppress(asyncio.CancelledError):
                await calling
            service.media_cache.close()

    return lifespan
