"""A mock in a thread of this process, on real sockets: for `run`, the demo, and tests that need a URL."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mockserver.server import PortError, Server, open_doors, service_of, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.clock import Clock
    from mockserver.exchanges import Exchange
    from mockserver.proxy import Passage
    from mockserver.server import Doors
    from mockserver.settings import Settings
    from spec import Spec

_START_SECONDS = 30


@contextmanager
def running(spec: Spec, settings: Settings, clock: Clock | None = None) -> Iterator[str]:
    """The URL of a mock that serves while the block runs, on `settings.port` (0: any). Raises `PortError`."""
    with serving(spec, settings, clock) as doors:
        yield url_of(doors.http)


@contextmanager
def serving(
    spec: Spec,
    settings: Settings,
    clock: Clock | None = None,
    observe: Callable[[Exchange], None] = lambda _: None,
    passed: Callable[[Passage], None] = lambda _: None,
) -> Iterator[Doors]:
    """The open doors of a mock that serves while the block runs.

    `observe` and `passed` hear, in the mock's thread, of its exchanges and of what its proxy did for other hosts.
    Raises `PortError`, `AuthorityError`, ValueError.
    """
    with open_doors(spec, settings) as doors:
        service = service_of(spec, settings, doors, clock)
        server = Server(service, doors, observe=observe, passed=passed)
        thread = threading.Thread(target=server.run, args=([doors.http],), name="evolink-mock", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield doors
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_started(server: Server, thread: threading.Thread) -> None:
    """Uvicorn tells of its start by a flag only, so it is looked at until it is up or the thread is over."""
    for _ in range(_START_SECONDS * 200):
        if server.started:
            return
        thread.join(0.005)
        if not thread.is_alive():
            break
    raise PortError("the server did not start")
