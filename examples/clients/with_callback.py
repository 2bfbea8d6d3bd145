"""Makes one video with the EvoLink API, and is called when the task is over instead of asking all the time.

EVOLINK_API_KEY=… python with_callback.py --prompt TEXT --image-url URL --output video.mp4 \
    --callback-url https://your-domain.com/hooks/SECRET --listen 127.0.0.1:8000

What the public URL leads to has to be passed on to the address listened on.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import command
import evolink
import httpx
from httpx_sync import create, fetch, follow

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

LONGEST_URL = 2048
MOST_BYTES = 1_000_000  # of a callback, which has a few hundred


class Calls:
    """The ids of the tasks that have been called for. Anybody may call: it is a reason to ask, and no more."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._news = threading.Condition()

    def take(self, raw: bytes) -> None:
        """Note one call. The same again changes nothing."""
        try:
            body = json.loads(raw)
        except ValueError:
            return
        if isinstance(body, dict) and isinstance(body.get("id"), str):
            with self._news:
                self._ids.add(body["id"])
                self._news.notify_all()

    def wait_for(self, task_id: str, seconds: float) -> None:
        """Return when the task has been called for, or after so many seconds."""
        with self._news:
            self._news.wait_for(lambda: task_id in self._ids, seconds)


class Handler(BaseHTTPRequestHandler):
    """Answers each call at once: EvoLink waits for 10 seconds, and calls again if it hears nothing."""

    timeout = 10
    server: Listener

    def do_POST(self) -> None:
        """Say thank you, then note it."""
        length = self.headers.get("content-length", "0")
        raw = self.rfile.read(min(int(length), MOST_BYTES) if length.isdecimal() else 0)
        self.send_response(204)
        self.end_headers()
        self.server.calls.take(raw)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a callback URL may be a secret."""


class Listener(ThreadingHTTPServer):
    """The receiver of the callbacks."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Handler)
        self.calls = Calls()

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a caller that went away."""


@contextmanager
def listening(address: tuple[str, int]) -> Iterator[Calls]:
    """Take calls while the block runs."""
    with Listener(address) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield listener.calls
        finally:
            listener.shutdown()


def address(text: str) -> tuple[str, int]:
    """HOST:PORT. ValueError for anything else."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def public_url(text: str) -> str:
    """A URL that the API accepts. ValueError for one that it does not."""
    if len(text) > LONGEST_URL or not evolink.safe(text):
        raise ValueError(text)
    return text


def make(told: Namespace, base: str, key: str) -> None:
    """Create with a callback, listening before that; ask when called, or when no call has come for long."""
    until = time.monotonic() + told.deadline
    headers = {"Authorization": f"Bearer {key}"}
    with listening(told.listen) as calls, httpx.Client(base_url=base, headers=headers) as api:
        body = evolink.order(told.prompt, told.image_url, callback_url=told.callback_url)
        task_id = create(api, body, until)
        calls.wait_for(task_id, (until - time.monotonic()) / 2)
        link = follow(api, task_id, told.interval, until)
        fetch(link, told.output)


if __name__ == "__main__":
    words = command.parser()
    words.add_argument(
        "--callback-url", required=True, type=public_url, help="this program, seen from outside"
    )
    words.add_argument("--listen", required=True, type=address, metavar="HOST:PORT")
    sys.exit(command.run(make, words))
