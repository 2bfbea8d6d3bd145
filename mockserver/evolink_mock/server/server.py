"""A running server: the socket, the ready line, the end. uvicorn does the HTTP."""

from __future__ import annotations

import gc
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from evolink_mock.domain.clock import SystemClock
from evolink_mock.http.access_log import AccessLog
from evolink_mock.http.protocol import Protocol
from evolink_mock.server.app import app_of
from evolink_mock.server.listeners import _BACKLOG, Listeners, reach
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

_STOP_SECONDS = 5  # for requests under way
_GOODBYE_SECONDS = 1.0  # for an idle client to agree that its TLS connection is over; the default is 30


def write_port_file(path: Path, port: int) -> None:
    """Write the port whole or not at all: who waits for the file never reads half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{port}\n")
    Path(temporary).replace(path)


def serve(
    spec: Spec, settings: Settings, listeners: Listeners, *, quiet: bool, ready: Callable[[], None]
) -> None:
    """Serve until Ctrl-C or SIGTERM. `ready` is called when the first request will be answered."""
    configure_logging(quiet=quiet)
    log = AccessLog(sys.stderr, colour=sys.stderr.isatty())
    service = service_of(spec, settings, listeners)

    def started() -> None:
        settle_memory()
        ready()

    try:
        with listeners:
            observe = _ignore if quiet else log
            Server(service, listeners, observe=observe, ready=started).run(sockets=[listeners.http])
    except KeyboardInterrupt:
        pass  # uvicorn has stopped in good order and raises the signal once more
    finally:
        log.flush()


def service_of(spec: Spec, settings: Settings, listeners: Listeners, clock: Clock | None = None) -> Service:
    """The service behind these listeners; it hands out the certificate that clients have to trust."""
    service = Service(spec, settings, clock)
    if listeners.authority is not None:
        service.ca_pem = listeners.authority.certificate.read_bytes()
    return service


def _ignore(_: Exchange) -> None:
    """Nobody listens."""


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn is to serve an app: its fast parser, no log of its own, and no wait for idle clients at the end."""
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
    """uvicorn's server, with more listeners than one to the same app, and a word when it is ready.

    It is to be run with the http socket; the others are opened and closed with it, so they share its
    lifespan, its connections and its end.
    """

    def __init__(
        self,
        service: Service,
        listeners: Listeners,
        *,
        observe: Callable[[Exchange], None] = _ignore,
        ready: Callable[[], None] = lambda: None,
        passed: Callable[[Passage], None] | None = None,
    ) -> None:
        self.app = app_of(service, observe)
        super().__init__(configuration(self.app))
        self._service = service
        self._doors = listeners
        self._ready = ready
        self._proxy = _proxy(listeners, passed or _log_passage, offline=service.settings.offline)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open every door, then say so."""
        await super().startup(sockets)
        if not self.started:
            return
        if self._doors.https is not None:
            assert self._doors.authority is not None  # noqa: S101  (an https door has one)
            context = self._doors.authority.server_context(self._doors.hosts, SystemClock().now())
            self.servers.append(await self._serve_at(self._doors.https, self.config, context))
        if self._doors.control is not None:
            self.servers.append(await self._serve_control(self._doors.control))
        if self._proxy is not None and self._doors.proxy is not None:
            await self._proxy.start(self._doors.proxy)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every door; the requests under way are answered first."""
        if self._proxy is not None:
            await self._proxy.close()
        await super().shutdown(sockets)

    async def _serve_control(self, listener: socket.socket) -> asyncio.Server:
        """The control API alone, over the same service."""
        from evolink_mock.control.routes import create_control_app

        config = configuration(create_control_app(self._service, self._service.settings.control))
        config.load()
        return await self._serve_at(listener, config, None)

    async def _serve_at(
        self, listener: socket.socket, config: uvicorn.Config, context: ssl.SSLContext | None
    ) -> asyncio.Server:
        """The same protocol at another socket: uvicorn itself takes one kind of socket and one app only."""
        import asyncio

        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return Protocol(
                config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )

        goodbye = None if context is None else _GOODBYE_SECONDS
        return await loop.create_server(
            protocol, sock=listener, ssl=context, backlog=_BACKLOG, ssl_shutdown_timeout=goodbye
        )


def _proxy(listeners: Listeners, passed: Callable[[Passage], None], *, offline: bool) -> Proxy | None:
    if listeners.proxy is None or listeners.https is None or listeners.authority is None:
        return None
    from evolink_mock.interception.proxy import Address, Proxy, Routes

    http, https = Address(*reach(listeners.http)), Address(*reach(listeners.https))
    return Proxy(Routes(listeners.hosts, http, https, listeners.authority.certificate, offline), passed)


def _log_passage(passage: Passage) -> None:
    logging.getLogger("evolink_mock.proxy").info("proxy  %s:%d  %s", *passage)


def settle_memory() -> None:
    """Take all that lives as long as the server out of the collector's sight, and let it run less often.

    A task record is no garbage that needs collecting: with the store frozen, a million of them cost no pause.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def configure_logging(*, quiet: bool) -> None:
    """Let the mock's own log go to stderr; when quiet, its warnings only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("evolink_mock")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
