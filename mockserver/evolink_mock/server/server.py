"""Serve an application with uvicorn: several listeners, one lifespan, an orderly stop."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

import uvicorn

from evolink_mock.domain.clock import SystemClock
from evolink_mock.http.access_log import AccessLog
from evolink_mock.http.protocol import Protocol
from evolink_mock.server.app import create_app
from evolink_mock.server.listeners import BACKLOG, Listeners, local_address
from evolink_mock.service.service import Service

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl
    from collections.abc import Callable

    from evolink_spec import Spec
    from starlette.types import ASGIApp

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import Passage, Proxy
    from evolink_mock.settings import Settings

_STOP_SECONDS = 5  # for requests in progress
_TLS_SHUTDOWN_SECONDS = 1.0  # for a client to answer the close of its TLS connection; the default is 30


def serve(
    spec: Spec, settings: Settings, listeners: Listeners, *, quiet: bool, ready: Callable[[], None]
) -> None:
    """Serve until Ctrl-C or SIGTERM. `ready` is called when requests are answered."""
    configure_logging(quiet=quiet)
    log = AccessLog(sys.stderr, colour=sys.stderr.isatty())
    service = create_service(spec, settings, listeners)

    def on_ready() -> None:
        freeze_memory()
        ready()

    try:
        with listeners:
            observe = _ignore if quiet else log
            Server(service, listeners, observe=observe, ready=on_ready).run(sockets=[listeners.http])
    except KeyboardInterrupt:
        pass  # uvicorn has stopped in an orderly way, and raises the signal again
    finally:
        log.flush()


def create_service(
    spec: Spec, settings: Settings, listeners: Listeners, clock: Clock | None = None
) -> Service:
    """The service behind these listeners; it serves the certificate that clients have to trust."""
    service = Service(spec, settings, clock)
    if listeners.authority is not None:
        service.ca_pem = listeners.authority.certificate.read_bytes()
    return service


def _ignore(_: Exchange) -> None:
    """Observe nothing."""


def uvicorn_config(app: ASGIApp) -> uvicorn.Config:
    """Uvicorn's configuration for an app: the fast parser, no log of its own."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


class Server(uvicorn.Server):
    """uvicorn's server with several listeners for one app, and a callback when it is ready.

    Run it with the http socket; the others are opened and closed with that, and share its lifespan and connections.
    """

    def __init__(
        self,
        service: Service,
        listeners: Listeners,
        *,
        observe: Callable[[Exchange], None] = _ignore,
        ready: Callable[[], None] = lambda: None,
        observe_proxy: Callable[[Passage], None] | None = None,
    ) -> None:
        self.app = create_app(service, observe)
        super().__init__(uvicorn_config(self.app))
        self._service = service
        self._listeners = listeners
        self._ready = ready
        self._proxy = _create_proxy(
            listeners, observe_proxy or _log_passage, offline=service.settings.offline
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve every listener, then call `ready`."""
        await super().startup(sockets)
        if not self.started:
            return
        if self._listeners.https is not None:
            assert self._listeners.authority is not None  # noqa: S101  (an https listener has one)
            context = self._listeners.authority.server_context(self._listeners.hosts, SystemClock().now())
            self.servers.append(await self._serve_on(self._listeners.https, self.config, context))
        if self._listeners.control is not None:
            self.servers.append(await self._serve_control(self._listeners.control))
        if self._proxy is not None and self._listeners.proxy is not None:
            await self._proxy.start(self._listeners.proxy)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every listener, after the requests in progress have been answered."""
        if self._proxy is not None:
            await self._proxy.close()
        await super().shutdown(sockets)

    async def _serve_control(self, listener: socket.socket) -> asyncio.Server:
        """Serve the control API alone, over the same service."""
        from evolink_mock.control.routes import create_control_app

        config = uvicorn_config(create_control_app(self._service, self._service.settings.control))
        config.load()
        return await self._serve_on(listener, config, None)

    async def _serve_on(
        self, listener: socket.socket, config: uvicorn.Config, context: ssl.SSLContext | None
    ) -> asyncio.Server:
        """Serve the same protocol on another socket: uvicorn supports only one app, with or without TLS."""
        import asyncio

        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return Protocol(
                config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )

        shutdown_timeout = None if context is None else _TLS_SHUTDOWN_SECONDS
        return await loop.create_server(
            protocol, sock=listener, ssl=context, backlog=BACKLOG, ssl_shutdown_timeout=shutdown_timeout
        )


def _create_proxy(listeners: Listeners, observe: Callable[[Passage], None], *, offline: bool) -> Proxy | None:
    if listeners.proxy is None or listeners.https is None or listeners.authority is None:
        return None
    from evolink_mock.interception.proxy import Address, Proxy, Routes

    http, https = Address(*local_address(listeners.http)), Address(*local_address(listeners.https))
    return Proxy(Routes(listeners.hosts, http, https, listeners.authority.certificate, offline), observe)


def _log_passage(passage: Passage) -> None:
    logging.getLogger("evolink_mock.proxy").info("proxy  %s:%d  %s", *passage)


def freeze_memory() -> None:
    """Exclude everything that exists now from garbage collection, and collect less often.

    Task records are not part of reference cycles: a million of them must not make each collection slower.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def configure_logging(*, quiet: bool) -> None:
    """Send the mock's own log to stderr; with `quiet`, warnings only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("evolink_mock")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
