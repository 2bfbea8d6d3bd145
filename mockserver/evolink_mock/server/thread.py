"""A mock in a thread of this process, on real sockets: for `run`, the demo, and tests that need a URL."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evolink_mock.server.listeners import PortError, open_listeners, url_of
from evolink_mock.server.server import Server, service_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_spec import Spec

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import Passage
    from evolink_mock.server.listeners import Listeners
    from evolink_mock.service.service import Service
    from evolink_mock.settings import Settings

_START_SECONDS = 30


@contextmanager
def running(spec: Spec, settings: Settings, clock: Clock | None = None) -> Iterator[str]:
    """The URL of a mock that serves while the block runs, on `settings.port` (0: any). Raises `PortError`."""
    with serving(spec, settings, clock) as listeners:
        yield url_of(listeners.http)


@contextmanager
def serving(
    spec: Spec,
    settings: Settings,
    clock: Clock | None = None,
    observe: Callable[[Exchange], None] = lambda _: None,
    passed: Callable[[Passage], None] = lambda _: None,
) -> Iterator[Listeners]:
    """The open listeners of a mock that serves while the block runs.

    `observe` and `passed` hear, in the mock's thread, of its exchanges and of what its proxy did for other hosts.
    Raises `PortError`, `AuthorityError`, ValueError.
    """
    with open_listeners(spec, settings) as listeners:
        service = service_of(spec, settings, listeners, clock)
        with answering(service, listeners, observe=observe, passed=passed):
            yield listeners


@contextmanager
def answering(
    service: Service,
    listeners: Listeners,
    *,
    observe: Callable[[Exchange], None] = lambda _: None,
    passed: Callable[[Passage], None] | None = None,
) -> Iterator[tuple[Server, asyncio.AbstractEventLoop]]:
    """The server in a thread of its own, with its loop, while it answers at these listeners. Raises `PortError`."""
    known = threading.Event()  # whether it has started, that is
    loops: list[asyncio.AbstractEventLoop] = []

    def ready() -> None:
        loops.append(asyncio.get_running_loop())
        known.set()

    def run() -> None:
        try:
            server.run(sockets=[listeners.http])
        finally:
            known.set()

    server = Server(service, listeners, observe=observe, ready=ready, passed=passed)
    thread = threading.Thread(target=run, name="evolink-mock", daemon=True)
    thread.start()
    try:
        if not known.wait(_START_SECONDS) or not loops:
            raise PortError("the server did not start")
        yield server, loops[0]
    finally:
        server.should_exit = True
        thread.join()
