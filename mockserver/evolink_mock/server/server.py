"""A running server: the socket, the ready line, the end. uvicorn does the HTTP."""

from __future__ import annotations

import errno
import gc
import logging
import os
import socket
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import uvicorn

from evolink_mock.domain.clock import SystemClock
from evolink_mock.http.access_log import AccessLog
from evolink_mock.http.protocol import Protocol
from evolink_mock.server.app import app_of
from evolink_mock.service.service import Service
from evolink_mock.settings import ca_folder

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from evolink_spec import Spec
    from starlette.types import ASGIApp

    from evolink_mock.domain.clock import Clock
    from evolink_mock.http.responses import Exchange
    from evolink_mock.interception.certificate_authority import Authority
    from evolink_mock.interception.proxy import Passage, Proxy
    from evolink_mock.settings import Settings

_BACKLOG = 2048
_STOP_SECONDS = 5  # for requests under way
_GOODBYE_SECONDS = 1.0  # for an idle client to agree that its TLS connection is over; the default is 30


class PortError(Exception):
    """The address cannot be listened on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The listening sockets of one server. With `https` there is an `authority`; `hosts` are the names it plays."""

    http: socket.socket
    https: socket.socket | None = None
    proxy: socket.socket | None = None
    authority: Authority | None = None
    hosts: tuple[str, ...] = ()
    control: socket.socket | None = None  # of the control API, where it is bound elsewhere

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in (self.http, self.https, self.proxy, self.control):
            if listener is not None:
                listener.close()  # once more does no harm


def open_doors(spec: Spec, settings: Settings) -> Doors:
    """Listen on all that the settings ask for. Raises `PortError`, `AuthorityError`, ValueError.

    The proxy needs an https listener to lead to: without a port for it, a free one.
    """
    host, https_port, proxy_port = settings.host, settings.https_port, settings.proxy_port
    with ExitStack() as opened:
        http = opened.enter_context(listen(host, settings.port))
        control = None
        if settings.control not in {"on", "off"}:
            where, _, port = settings.control.rpartition(":")
            control = opened.enter_context(listen(where.strip("[]"), int(port), "--control"))
        if https_port is None and proxy_port is None:
            opened.pop_all()
            return Doors(http, control=control)
        from evolink_mock.interception.certificate_authority import open_authority
        from evolink_mock.interception.hosts import hosts_of

        hosts = hosts_of(spec)
        # The true time, whatever the clock of the tasks says: clients judge certificates by theirs.
        authority = open_authority(ca_folder(settings), hosts, SystemClock().now())
        https = opened.enter_context(listen(host, https_port or 0, "--https-port"))
        proxy = None
        if proxy_port is not None:
            proxy = opened.enter_context(listen(host, proxy_port, "--proxy-port"))
        opened.pop_all()
        return Doors(http, https, proxy, authority, hosts, control)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `PortError`, which names the option."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise PortError(_why(error, host, port, option)) from error


def _why(error: Exception, host: str, port: int, option: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} is taken: choose another with {option}, or {option} 0 for any free one"
    if number == errno.EACCES:
        more = "; `evolink-mock hosts` tells how to get them" if option == "--https-port" else ""
        return f"port {port} needs more rights: choose one above 1023{more}"
    return f"cannot listen on {host} port {port}: {error}"


def reach(listener: socket.socket) -> tuple[str, int]:
    """The address and port of a listening socket, as a client on this machine can use them."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  (shown, not bound)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The URL of a listening socket, with an address that a client on this machine can use."""
    host, port = reach(listener)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def write_port_file(path: Path, port: int) -> None:
    """Write the port whole or not at all: who waits for the file never reads half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{port}\n")
    Path(temporary).replace(path)


def serve(spec: Spec, settings: Settings, doors: Doors, *, quiet: bool, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `ready` is called when the first request will be answered."""
    configure_logging(quiet=quiet)
    log = AccessLog(sys.stderr, colour=sys.stderr.isatty())
    service = service_of(spec, settings, doors)

    def started() -> None:
        settle_memory()
        ready()

    try:
        with doors:
            observe = _ignore if quiet else log
            Server(service, doors, observe=observe, ready=started).run(sockets=[doors.http])
    except KeyboardInterrupt:
        pass  # uvicorn has stopped in good order and raises the signal once more
    finally:
        log.flush()


def service_of(spec: Spec, settings: Settings, doors: Doors, clock: Clock | None = None) -> Service:
    """The service behind these doors; it hands out the certificate that clients have to trust."""
    service = Service(spec, settings, clock)
    if doors.authority is not None:
        service.ca_pem = doors.authority.certificate.read_bytes()
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
    """uvicorn's server, with more doors than one to the same app, and a word when it is ready.

    It is to be run with the http socket; the others are opened and closed with it, so they share its
    lifespan, its connections and its end.
    """

    def __init__(
        self,
        service: Service,
        doors: Doors,
        *,
        observe: Callable[[Exchange], None] = _ignore,
        ready: Callable[[], None] = lambda: None,
        passed: Callable[[Passage], None] | None = None,
    ) -> None:
        self.app = app_of(service, observe)
        super().__init__(configuration(self.app))
        self._service = service
        self._doors = doors
        self._ready = ready
        self._proxy = _proxy(doors, passed or _log_passage, offline=service.settings.offline)

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


def _proxy(doors: Doors, passed: Callable[[Passage], None], *, offline: bool) -> Proxy | None:
    if doors.proxy is None or doors.https is None or doors.authority is None:
        return None
    from evolink_mock.interception.proxy import Address, Proxy, Routes

    http, https = Address(*reach(doors.http)), Address(*reach(doors.https))
    return Proxy(Routes(doors.hosts, http, https, doors.authority.certificate, offline), passed)


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
