"""Create the ASGI app of the mock: the routes, and the middleware around them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

from evolink_mock.api import files
from evolink_mock.api.create import CreateEndpoint
from evolink_mock.api.credits import PATH as CREDITS_PATH
from evolink_mock.api.credits import CreditsEndpoint
from evolink_mock.api.media import MediaEndpoint
from evolink_mock.api.models import PATH as MODELS_PATH
from evolink_mock.api.models import ModelsEndpoint
from evolink_mock.api.query import QueryEndpoint
from evolink_mock.api.unmatched import Unmatched
from evolink_mock.console.routes import START, RedirectBrowsers, console_routes
from evolink_mock.control.routes import PATHS as CONTROL_PATHS
from evolink_mock.control.routes import PREFIX, control_routes, own_names
from evolink_mock.domain.task_body import MEDIA_PATH
from evolink_mock.http.cross_origin import CrossOrigin
from evolink_mock.http.middleware import ExchangeMiddleware, MethodNotAllowed, NotFound
from evolink_mock.http.route_table import RouteTable
from evolink_mock.service.expiry import drop_unused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

_PAGES = f"{START}/"


def create_app(service: Service, observe: Callable[[Exchange], None] = lambda _: None) -> ASGIApp:
    """Create the ASGI app, with the control API if the setting `control` is "on".

    The app calls `observe` with every completed exchange. Requests for pages of the console are not passed to
    `observe`.
    """
    routes = _routes(service)
    paths = [route.path for route in routes] + (CONTROL_PATHS if service.settings.control == "on" else [])
    pages = (
        console_routes(service, own_names(service), lambda: app) if service.settings.control == "on" else []
    )
    unmatched = Unmatched(service, NotFound(paths))
    router = Router(
        [*routes, *pages, *control_routes(service)],
        default=RedirectBrowsers(unmatched) if pages else unmatched,
        redirect_slashes=False,
        lifespan=_lifespan(service),
    )
    cross_origin = CrossOrigin(service.settings.cors, closed=PREFIX)
    record, table = _anonymous_recorder(service), RouteTable(routes)
    publish = _publishing(service, _counting(service, table, observe))
    # Not in an object of the class `Starlette`, whose own error handling would be the outermost layer.
    app = ExchangeMiddleware(router, table, publish, record, cross_origin)
    return app


def _counting(
    service: Service, table: RouteTable, observe: Callable[[Exchange], None]
) -> Callable[[Exchange], None]:
    if not service.settings.metrics:
        return observe
    metrics = service.metrics
    metrics.route_of = table.template
    service.callback_service.observe = metrics.observe_attempt

    def count_and_observe(exchange: Exchange) -> None:
        # Requests to the control API and the console are not counted.
        if exchange.journal is not None or not f"{exchange.path}/".startswith(f"{PREFIX}/"):
            metrics.observe(exchange)
        observe(exchange)

    return count_and_observe


def _publishing(service: Service, observe: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    publish = service.exchange_feed.publish

    def observe_and_publish(exchange: Exchange) -> None:
        # Requests to the control API are not added to the exchange feed, which the console shows.
        if exchange.journal is None and f"{exchange.path}/".startswith(f"{PREFIX}/"):
            if not exchange.path.startswith(_PAGES):  # the requests of an open page would fill the log
                observe(exchange)
            return
        publish(exchange)
        observe(exchange)

    return observe_and_publish


def _anonymous_recorder(service: Service) -> Callable[[Exchange], None]:
    anonymous = service.store.recorder("")  # for requests that belong to no account

    def record(exchange: Exchange) -> None:
        if not f"{exchange.path}/".startswith(f"{PREFIX}/"):
            exchange.at = exchange.at or service.clock.now() - exchange.seconds
            anonymous.append(exchange)

    return record


def _routes(service: Service) -> list[Route]:
    query = service.spec.query
    routes = [Route(query.path, QueryEndpoint(service, query), methods=["GET"])]
    routes += [
        Route(path, CreateEndpoint(service, by_model), methods=[method])
        for (method, path), by_model in service.spec.creates.items()
    ]
    routes.append(Route(CREDITS_PATH, CreditsEndpoint(service), methods=["GET"]))
    routes.append(Route(MODELS_PATH, ModelsEndpoint(service), methods=["GET"]))
    routes += _file_routes(service)
    routes.append(Route(MEDIA_PATH + "{name}", MediaEndpoint(service), methods=["GET"]))
    others = [MethodNotAllowed(*sorted(route.methods or ())) for route in routes]
    # All other methods of a path get a 405.
    return routes + [
        Route(route.path, Unmatched(service, other)) for route, other in zip(routes, others, strict=True)
    ]


def _file_routes(service: Service) -> list[Route]:
    uploads = {"base64": files.take_base64, "stream": files.take_stream, "url": files.take_url}
    about, links = files.FilesEndpoint(service), files.UploadedFile(service)
    return [
        *(
            Route(f"{files.PREFIX}/upload/{way}", files.UploadEndpoint(service, take), methods=["POST"])
            for way, take in uploads.items()
        ),
        Route(f"{files.PREFIX}/quota", about, methods=["GET"]),
        Route(f"{files.PREFIX}/list", about, methods=["GET"]),
        Route(f"{files.PREFIX}/download/{{file_id}}", links, methods=["GET"]),
        Route(f"{files.PREFIX}/{{file_id}}", about, methods=["DELETE"]),
        Route(files.LINKS, links, methods=["GET"]),
    ]


def _lifespan(service: Service) -> Callable[[object], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(service.callback_service.scheduler.run())]
        if service.settings.keep is not None:
            tasks.append(asyncio.create_task(drop_unused(service, service.settings.keep)))
        service.ready = True
        try:
            yield
        finally:
            service.ready = False
            await service.callback_service.close()
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            service.media_cache.close()
            service.store.close()

    return lifespan
