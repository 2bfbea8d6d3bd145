"""Send callbacks directly to a WSGI application, without a socket.

Each callback is sent in a separate thread.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from evolink_check import clock
from evolink_check.receiver.delivery.callback_sender import headers_of, split, timed
from evolink_check.receiver.records import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evolink_check.receiver.records import Callback, Timing

    App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_THREADS = 32


class WsgiSender:
    """Sends callbacks to an application in this process."""

    framings = frozenset(
        {"plain", "slow"}
    )  # not "chunked", because PEP 3333 does not support a body without a length

    def __init__(self, app: App, timing: Timing) -> None:
        self._app, self._timing = app, timing
        self._pool = ThreadPoolExecutor(_THREADS, "evolink-check-callback")

    async def send(self, callback: Callback, limit: float) -> Reply:
        """Send a callback and return the reply."""
        loop = asyncio.get_running_loop()
        return await timed(lambda: loop.run_in_executor(self._pool, self._send, callback), limit)

    async def close(self) -> None:
        """Cancel the requests that have not started.

        Running requests are not waited for.
        """
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, callback: Callback) -> Reply:
        began = clock.now()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: Any = None
        ) -> Callable[[bytes], Any]:
            started.append((status, headers))
            return body.write

        body = io.BytesIO()
        try:
            answer = self._app(self._environ(callback), start_response)
            for chunk in answer:
                body.write(chunk)
            ended = clock.now()
            if close := getattr(answer, "close", None):
                close()
        except Exception as error:  # noqa: BLE001  (the application raised it; servers respond with a 500)
            return Reply(500, began, clock.now(), problem=type(error).__name__)
        status, headers = started[-1]
        return Reply(int(status.split()[0]), began, ended, tuple(headers), body.getvalue())

    def _environ(self, callback: Callback) -> dict[str, Any]:
        parts = urlsplit(callback.url)
        names = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
        headers = {
            names.get(name.lower(), f"HTTP_{name.upper().replace('-', '_')}"): value
            for name, value in headers_of(callback)
        }
        pause = self._timing.pause if callback.framing == "slow" else 0.0
        return {
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": unquote(parts.path), "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname, "SERVER_PORT": str(parts.port or 80), "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": parts.netloc, "REMOTE_ADDR": "127.0.0.1", **headers,
            "wsgi.version": (1, 0), "wsgi.url_scheme": parts.scheme, "wsgi.errors": sys.stderr,
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
            "wsgi.input": io.BufferedReader(_BodyInParts(split(callback.body), pause)), "wsgi.input_terminated": True,
        }  # fmt: skip


class _BodyInParts(io.RawIOBase):
    def __init__(self, parts: list[bytes], pause: float) -> None:
        self._parts, self._pause = parts, pause

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._parts:
            return 0
        part = self._parts.pop(0)
        size = min(len(buffer), len(part))
        buffer[:size] = part[:size]
        if part[size:]:
            self._parts.insert(0, part[size:])
        elif self._pause and self._parts:
            clock.wait(self._pause)
        return size
