"""Makes one video with the EvoLink API, and waits for a callback instead of polling all the time.

EVOLINK_API_KEY=… python with_callback.py --prompt TEXT --image-url URL --output video.mp4 \
    --callback-url https://your-domain.com/hooks/SECRET --listen 127.0.0.1:8000

The public URL must forward requests to the address in --listen.
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
import httpx2
from httpx_sync import create, fetch, follow

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

LONGEST_URL = 2048
MOST_BYTES = 1_000_000  # of a callback, which has a few hundred


class Calls:
    """The ids of the tasks for which a callback came. Anybody can send a callback, so it is only a reason to query."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._news = threading.Condition()

    def take(self, raw: bytes) -> None:
        """Record one callback. A repeated callback changes nothing."""
        try:
            body = json.loads(raw)
        except ValueError:
            return
        if isinstance(body, dict) and isinstance(body.get("id"), str):
            with self._news:
                self._ids.add(body["id"])
                self._news.notify_all()

    def wait_for(self, task_id: str, seconds: float) -> None:
        """Wait until a callback for the task has come, for at most this many seconds."""
        with self._news:
            self._news.wait_for(lambda: task_id in self._ids, seconds)


class Handler(BaseHTTPRequestHandler):
    """Answers each callback at once, because EvoLink waits only 10 seconds before it sends the callback again."""

    timeout = 10
    server: Listener

    def do_POST(self) -> None:
        """Answer the callback, then record it."""
        length = self.headers.get("content-length", "0")
        raw = self.rfile.read(min(int(length), MOST_BYTES) if length.isdecimal() else 0)
        self.send_response(204)
        self.end_headers()
        self.server.calls.take(raw)

    def log_message(self, *_: Any) -> None:
        """Log nothing, because a callback URL may contain a secret."""


class Listener(ThreadingHTTPServer):
    """The receiver of the callbacks."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, Handler)
        self.calls = Calls()

    def handle_error(self, *_: Any) -> None:
        """Ignore a caller that has disconnected."""


@contextmanager
def listening(address: tuple[str, int]) -> Iterator[Calls]:
    """Receive callbacks while the block runs."""
    with Listener(address) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield listener.calls
        finally:
            listener.shutdown()


def address(text: str) -> tuple[str, int]:
    """Parse HOST:PORT. Raises ValueError for any other text."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def public_url(text: str) -> str:
    """Return the URL if the API accepts it as a callback URL. Raises ValueError if not."""
    if len(text) > LONGEST_URL or not evolink.is_safe(text):
        raise ValueError(text)
    return text


def make(options: Namespace, base: str, key: str) -> None:
    """Create a task with a callback, and poll it once the callback comes or half of the remaining time has passed."""
    until = time.monotonic() + options.deadline
    headers = {"Authorization": f"Bearer {key}"}
    with listening(options.listen) as calls, httpx2.Client(base_url=base, headers=headers) as api:
        body = evolink.create_body(options.prompt, options.image_url, callback_url=options.callback_url)
        task_id = create(api, body, until)
        calls.wait_for(task_id, (until - time.monotonic()) / 2)
        link = follow(api, task_id, options.interval, until)
        fetch(link, options.output)


if __name__ == "__main__":
    words = command.parser()
    words.add_argument(
        "--callback-url", required=True, type=public_url, help="where this program is reached from outside"
    )
    words.add_argument("--listen", required=True, type=address, metavar="HOST:PORT")
    sys.exit(command.run(make, words))
