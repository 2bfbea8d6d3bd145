"""Run a mock in a thread of this process.

The commands `run` and `demo` run such a mock. Tests that need a URL also run one.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.server.listeners import Listeners, PortError, open_listeners, url_of
from evolink_mock.server.server import Server, create_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_spec import Spec
    from starlette.types import ASGIApp

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import ProxyConnection
    from evolink_mock.settings import Settings

_START_SECONDS = 30


class ThreadedServer(NamedTuple):
    """A mock that runs in another thread."""

    listeners: Listeners
    app: ASGIApp
    loop: asyncio.AbstractEventLoop
    server: Server

    @property
    def url(self) -> str:
        """The URL of the http listener."""
        return url_of(self.listeners.http)


@contextmanager
def serve_in_thread(
    spec: Spec,
    settings: Settings,
    clock: Clock | None = None,
    observe: Callable[[Exchange], None] = lambda _: None,
    observe_proxy: Callable[[ProxyConnection], None] = lambda _: None,
) -> Iterator[ThreadedServer]:
    """Serve a mock during the `with` block, on `settings.port`. Port 0 selects a free port.

    The thread calls `observe` with every exchange. If a proxy connection leads to no request to the mock, the thread
    calls `observe_proxy`. The thread also calls `observe_proxy` if a TLS handshake on the https listener fails.

    Raises `PortError`, `AuthorityError` or `SettingError` if the mock cannot start.
    """
    with open_listeners(spec, settings) as listeners:
        service = create_service(spec, settings, listeners, clock)
        started = threading.Event()  # set when the server serves or has failed; `loops` is then empty
        loops: list[asyncio.AbstractEventLoop] = []

        def on_ready() -> None:
            loops.append(asyncio.get_running_loop())
            started.set()

        def run() -> None:
            try:
                server.run(sockets=[listeners.http])
            finally:
                started.set()

        server = Server(service, listeners, observe=observe, ready=on_ready, observe_proxy=observe_proxy)
        thread = threading.Thread(target=run, name="evolink-mock", daemon=True)
        thread.start()
        try:
            if not started.wait(_START_SECONDS) or not loops:
                raise PortError("the server did not start")
            yield ThreadedServer(listeners, server.app, loops[0], server)
        finally:
            server.should_exit = True
            thread.join()
