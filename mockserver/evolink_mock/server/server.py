"""Serve the ASGI app with uvicorn on several listeners. The listeners start and stop together."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from evolink_mock.domain.clock import sleep, stopwatch
from evolink_mock.http.connection import STOPPING
from evolink_mock.server.app import create_app
from evolink_mock.server.connections import ConnectionLimits, ConnectionState
from evolink_mock.server.fast_lane import FastLane, fast_lane
from evolink_mock.server.fast_protocol import protocol_with
from evolink_mock.server.listeners import BACKLOG, Listeners, local_address
from evolink_mock.server.tls_handshakes import HANDSHAKE_SECONDS, TlsHandshakes
from evolink_mock.service.service import Service

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable
    from types import FrameType

    from evolink_spec import Spec
    from starlette.types import ASGIApp

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import Proxy, ProxyConnection
    from evolink_mock.server.protocol import Protocol
    from evolink_mock.settings import Settings

_TICK_SECONDS, _TICKS = 0.1, 864_000  # seconds between two ticks, and ticks per day; both as in uvicorn
_STOP_SECONDS = 2  # maximum time of the whole stop
_GRACE_SECONDS = 0.2  # time for requests in progress, after which waiting requests are ended
_ABORT_SECONDS = 0.3  # then the time for clients to read their responses, before connections are aborted
_STOP_ROUNDS = 150  # during `_ABORT_SECONDS`; each ends one of the requests pipelined on a connection
_TLS_TIMEOUTS = {
    "ssl_handshake_timeout": HANDSHAKE_SECONDS,
    "ssl_shutdown_timeout": 1.0,  # for a client to confirm the end of its TLS connection; the default is 30
}


_log = logging.getLogger("evolink_mock")


def stop_on_hangup(server: Server) -> None:
    """Stop the server when its terminal is closed (SIGHUP).

    A server that was started with `nohup` continues to run.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) == signal.SIG_DFL:
        signal.signal(hangup, server.handle_exit)


def create_service(
    spec: Spec, settings: Settings, listeners: Listeners, clock: Clock | None = None, operator_key: str = ""
) -> Service:
    """Create the objects that the endpoints share."""
    service = Service(spec, settings, clock, operator_key)
    if listeners.authority is not None:  # clients over https must trust this certificate
        service.ca_pem = listeners.authority.certificate.read_bytes()
    return service


def ignore(_: Exchange) -> None:
    """Do nothing with an exchange. Parameters named `observe` have this function as default."""


def uvicorn_config(app: ASGIApp, lane: FastLane | None = None) -> uvicorn.Config:
    """Return a configuration of uvicorn with the class `Protocol` and without uvicorn's logs.

    If `lane` is set, the lane responds to small requests without uvicorn.
    """
    return uvicorn.Config(
        app,
        http=protocol_with(_limits(), lane),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def _limits() -> ConnectionLimits:
    limits = ConnectionLimits()
    if sys.platform == "win32":
        return limits
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits
    # Connections may use five eighths of the files. The rest is left for callbacks and everything else.
    return replace(limits, connections=min(limits.connections, files * 5 // 8))


class Server(uvicorn.Server):
    """A uvicorn server with several listeners.

    `ready` is called when all listeners are open. `run` must be called with the http socket. The other listeners open
    and close together with the http listener.
    """

    def __init__(
        self,
        service: Service,
        listeners: Listeners,
        *,
        observe: Callable[[Exchange], None] = ignore,
        ready: Callable[[], None] = lambda: None,
        observe_proxy: Callable[[ProxyConnection], None] | None = None,
    ) -> None:
        self.app = create_app(service, observe)
        super().__init__(uvicorn_config(self.app, fast_lane(self.app, service)))
        self.server_state: ConnectionState = ConnectionState()
        self._stop_began = 0.0  # on the stopwatch
        self._service = service
        self._listeners = listeners
        self._ready = ready
        self._handshakes: TlsHandshakes | None = None
        self._observe_proxy = observe_proxy or _log_passage
        self._proxy = _create_proxy(listeners, self._observe_proxy, offline=service.settings.offline)

    @property
    def was_reached(self) -> bool:
        """True if a client has connected to any listener. A failed TLS handshake does not count."""
        return self.server_state.was_reached or (self._proxy is not None and self._proxy.was_reached)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open every listener, then call `ready`."""
        await super().startup(sockets)
        if not self.started:
            return
        if self._listeners.https is not None:
            self.servers.append(await self._serve_https(self._listeners.https))
        if self._listeners.control is not None:
            self.servers.append(await self._serve_control(self._listeners.control))
        if self._proxy is not None and self._listeners.proxy is not None:
            await self._proxy.start(self._listeners.proxy)
        self._ready()

    # The next two methods replace uvicorn's loops and wait with the mock's own `sleep`. If a test replaces
    # `asyncio.sleep` by a function that never waits, uvicorn's loops would occupy the event loop for ever.

    async def main_loop(self) -> None:
        """Run until a signal or `should_exit` stops the server."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % _TICKS
            await sleep(_TICK_SECONDS)

    async def _wait_tasks_to_complete(self) -> None:
        state = self.server_state
        while (state.connections or state.tasks) and not self.force_exit:
            await sleep(_TICK_SECONDS)
        for server in self.servers:
            await server.wait_closed()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every listener after the responses to the requests in progress."""
        if self._handshakes is not None:
            self._handshakes.close()
        if self._proxy is not None:
            self._proxy.stop_accepting()
        ending = asyncio.create_task(self._end_requests())
        await super().shutdown(sockets)
        ending.cancel()
        if self._proxy is not None:
            await self._proxy.close()  # last, because a tunnel to this server carries the last responses

    async def _end_requests(self) -> None:
        await sleep(_GRACE_SECONDS)
        # If a request waits (for example to delay its response), its wait is ended, and its response is sent. The next
        # pipelined request of the connection then begins, and may also wait. Several rounds are therefore needed.
        ended: set[asyncio.Task[None]] = set()
        for _ in range(_STOP_ROUNDS):
            waiting = self.server_state.tasks - ended
            for task in waiting:
                task.cancel(STOPPING)
            ended |= waiting
            await sleep(_ABORT_SECONDS / _STOP_ROUNDS)
        for connection in list(self.server_state.connections):
            cast("Protocol", connection).transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop in an orderly way on a signal.

        During the first two seconds of the stop, a second Ctrl-C is ignored. A later Ctrl-C ends the server without
        waiting for requests.
        """
        # After the stop, uvicorn's own handler would raise the signal again, and the process would exit with the status
        # of the signal.
        now = stopwatch()
        self.force_exit = self.should_exit and sig == signal.SIGINT and now - self._stop_began > _STOP_SECONDS
        self._stop_began = self._stop_began if self.should_exit else now
        self.should_exit = True

    async def _serve_https(self, listener: socket.socket) -> asyncio.Server:
        from evolink_mock.interception.proxy import UNTRUSTED, ProxyConnection

        address, port = local_address(listener)

        def report(name: str) -> None:
            # For the client of a proxy, the port is that of the real API.
            self._observe_proxy(
                ProxyConnection(name, 443 if name in self._listeners.hosts else port, UNTRUSTED)
            )

        assert self._listeners.tls is not None  # noqa: S101  (every https listener has a context)
        self._handshakes = TlsHandshakes(self._listeners.tls, address, report)
        return await self._serve_on(listener, self.config, self._listeners.tls, self._handshakes.complete)

    async def _serve_control(self, listener: socket.socket) -> asyncio.Server:
        from evolink_mock.console.routes import console_routes
        from evolink_mock.control.routes import create_control_app, own_names

        bound_to = self._service.settings.control
        pages = console_routes(self._service, own_names(self._service, bound_to), lambda: self.app)
        config = uvicorn_config(create_control_app(self._service, bound_to, pages))
        config.load()
        return await self._serve_on(listener, config)

    async def _serve_on(  # uvicorn itself would serve only one app
        self,
        listener: socket.socket,
        config: uvicorn.Config,
        context: ssl.SSLContext | None = None,
        on_tls: Callable[[ssl.SSLObject], None] | None = None,
    ) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        create = cast("type[Protocol]", config.http_protocol_class)

        def protocol() -> asyncio.Protocol:
            connection = create(
                config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )
            connection.on_tls = on_tls
            return connection

        timeouts: dict[str, Any] = {} if context is None else _TLS_TIMEOUTS
        return await loop.create_server(protocol, sock=listener, ssl=context, backlog=BACKLOG, **timeouts)


def _create_proxy(
    listeners: Listeners, observe: Callable[[ProxyConnection], None], *, offline: bool
) -> Proxy | None:
    if listeners.proxy is None or listeners.https is None or listeners.authority is None:
        return None
    from evolink_mock.interception.proxy import Address, InterceptedHosts, Proxy

    http, https = Address(*local_address(listeners.http)), Address(*local_address(listeners.https))
    return Proxy(
        InterceptedHosts(listeners.hosts, http, https, listeners.authority.certificate, offline), observe
    )


def _log_passage(passage: ProxyConnection) -> None:
    from evolink_mock.interception.proxy import UNTRUSTED

    log = logging.getLogger("evolink_mock.proxy")
    if passage.outcome == UNTRUSTED:
        log.warning("https  a client connected to %s:%d but %s", *passage)
    else:
        log.info("proxy  %s:%d  %s", *passage)


def freeze_memory() -> None:
    """Exclude all present objects from garbage collection, and make collections rarer."""
    # With many tasks in memory, collections take long, but free almost nothing: tasks have no reference cycles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
