"""A running server: the socket, the ready line, the end. uvicorn does the HTTP."""

from __future__ import annotations

import errno
import gc
import logging
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from mockserver.accesslog import AccessLog
from mockserver.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from mockserver.settings import Settings
    from spec import Spec

_BACKLOG = 2048
_STOP_SECONDS = 5  # for requests under way


class PortError(Exception):
    """The address cannot be listened on; the text says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `PortError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise PortError(_why(error, host, port)) from error


def _why(error: Exception, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} is taken: choose another with --port, or --port 0 for any free one"
    if number == errno.EACCES:
        return f"port {port} needs more rights: choose one above 1023"
    return f"cannot listen on {host} port {port}: {error}"


def url_of(listener: socket.socket) -> str:
    """The URL of a listening socket, with an address that a client on this machine can use."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (shown, not bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def write_port_file(path: Path, port: int) -> None:
    """Write the port whole or not at all: who waits for the file never reads half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{port}\n")
    Path(temporary).replace(path)


def serve(
    spec: Spec, settings: Settings, listener: socket.socket, *, quiet: bool, ready: Callable[[], None]
) -> None:
    """Serve until Ctrl-C or SIGTERM. `ready` is called when the first request will be answered."""
    _configure_logging(quiet=quiet)
    log = AccessLog(sys.stderr, colour=sys.stderr.isatty())
    app = create_app(spec, settings, observe=(lambda _: None) if quiet else log)
    server = _Server(configuration(app), ready)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has stopped in good order and raises the signal once more
    finally:
        log.flush()


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn is to serve an app: its fast parser, no log of its own, and no wait for idle clients at the end."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready: it has no hook for that but this method."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            settle_memory()
            self._ready()


def settle_memory() -> None:
    """Take all that lives as long as the server out of the collector's sight, and let it run less often.

    A task record is no garbage that needs collecting: with the store frozen, a million of them cost no pause.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _configure_logging(*, quiet: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("evolink_mock")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False
