"""A mock in a thread of this process, on a real socket: for the demo, and for tests that need a URL."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from mockserver.app import create_app
from mockserver.server import PortError, configuration, listen, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.clock import Clock
    from mockserver.settings import Settings
    from spec import Spec

_START_SECONDS = 30


@contextmanager
def running(spec: Spec, settings: Settings, clock: Clock | None = None) -> Iterator[str]:
    """The URL of a mock that serves while the block runs, on `settings.port` (0: any). Raises `PortError`."""
    listener = listen(settings.host, settings.port)
    server = uvicorn.Server(configuration(create_app(spec, settings, clock)))
    thread = threading.Thread(target=server.run, args=([listener],), name="evolink-mock", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    """Uvicorn tells of its start by a flag only, so it is looked at until it is up or the thread is over."""
    for _ in range(_START_SECONDS * 200):
        if server.started:
            return
        thread.join(0.005)
        if not thread.is_alive():
            break
    raise PortError("the server did not start")
