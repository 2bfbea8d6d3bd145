"""Where the clients of these tests are called back."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.faulty_clients.profiles import Manner


class Calls:
    """The bodies that tasks have been called for with, by id."""

    def __init__(self) -> None:
        self._bodies: dict[str, list[dict[str, Any]]] = {}
        self._news = threading.Condition()

    def take(self, raw: bytes) -> None:
        """Note one call, if it is about a task."""
        try:
            body = json.loads(raw)
        except ValueError:
            return
        if isinstance(body, dict) and isinstance(body.get("id"), str):
            with self._news:
                self._bodies.setdefault(body["id"], []).append(body)
                self._news.notify_all()

    def wait_for(self, task_id: str, seconds: float, calls: int = 1) -> dict[str, Any] | None:
        """The body of the last of so many calls for a task; None when they have not come in this time."""
        with self._news:
            come = self._news.wait_for(lambda: len(self._bodies.get(task_id, ())) >= calls, seconds)
            return self._bodies[task_id][-1] if come else None


class Handler(BaseHTTPRequestHandler):
    """Answers each call, and then notes it."""

    server: Listener

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.count += 1
        manner, number = self.server.manner, self.server.count
        if manner.works_first:
            self.server.calls.take(raw)
        time.sleep(manner.thinks(number))
        self.send_response(manner.thanks(number))
        self.end_headers()
        if not manner.works_first:
            self.server.calls.take(raw)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Listener(ThreadingHTTPServer):
    """The receiver of the callbacks."""

    def __init__(self, address: tuple[str, int], manner: Manner) -> None:
        super().__init__(address, Handler)
        self.calls, self.manner, self.count = Calls(), manner, 0

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a caller that went away."""


@contextmanager
def listening(address: str, manner: Manner) -> Iterator[Calls]:
    """Take calls at HOST:PORT while the block runs."""
    host, _, port = address.rpartition(":")
    with Listener((host, int(port)), manner) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield listener.calls
        finally:
            listener.shutdown()
