"""A callback receiver on 127.0.0.1 for tests.

The receiver records all requests. A test can choose the responses.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self

from evolink_mock.testing.real_sockets import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAIT_SECONDS = 10.0
_MAX_BODY = 10 * 1024 * 1024  # bytes; a callback has a few hundred
_IDLE_SECONDS = 30.0  # a connection on which the client sends nothing for this time is closed


@dataclass(frozen=True, slots=True)
class Received:
    """A request to the receiver, with the status of the response.

    `path` includes the query string. Header names are in lower case. `status` is 0 if the receiver closed the
    connection without a response.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    def json(self) -> Any:
        """Decode the body of the request. Raises ValueError if the body is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


_NO_CONTENT = _Response(204)
_NO_RESPONSE = _Response(0)


class Receiver:
    """A callback receiver on a free port of 127.0.0.1.

    The receiver runs in a thread during its `with` block. By default, the receiver responds with a 204. A test chooses
    the next responses with `fail`, `answer` or `drop`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._responses: deque[_Response] = deque()
        self._server: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The `callback_url` for tests. The receiver also accepts requests with another path or query."""
        if self._server is None:
            raise RuntimeError("the receiver is not listening: use it in a `with` block")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/callback"

    @property
    def received(self) -> list[Received]:
        """The requests received so far, in order of arrival."""
        with self._changed:
            return list(self._received)

    def fail(self, times: int = 1, status: int = 500) -> None:
        """Respond to the next `times` requests with the error status `status`."""
        self.answer(status, times)

    def answer(self, status: int, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """Respond to the next `times` requests with this status.

        A redirect (3xx) has the header `Location: /elsewhere` by default. Raises ValueError if the status is not
        between 200 and 599. Raises ValueError if `times` is less than 1.
        """
        if not 200 <= status <= 599 or times < 1:  # noqa: PLR2004  (an informational response is followed by another)
            raise ValueError(
                f"answer(status={status}, times={times}): a status is 200 to 599, times at least 1"
            )
        self._queue(_Response(status, dict(headers or {})), times)

    def drop(self, times: int = 1) -> None:
        """Close the connections of the next `times` requests without responding."""
        self._queue(_NO_RESPONSE, times)

    def wait(self, count: int = 1, timeout: float = _WAIT_SECONDS) -> list[Received]:
        """Wait until `count` requests have arrived in total.

        Returns all requests received so far. Raises TimeoutError after `timeout` seconds of real time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._received) >= count, timeout):
                raise TimeoutError(
                    f"{len(self._received)} of {count} callbacks were received within {timeout:g} s"
                )
            return list(self._received)

    def clear(self) -> None:
        """Forget the received requests and the chosen responses."""
        with self._changed:
            self._received.clear()
            self._responses.clear()

    def __enter__(self) -> Self:
        self._server = _Listener(self)
        self._thread = threading.Thread(target=self._server.run, name="evolink-callbacks", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, thread = self._server, self._thread
        assert server is not None and thread is not None  # noqa: S101, PT018  (`__enter__` was called)
        server.wake()
        thread.join()
        server.server_close()
        self._server = self._thread = None

    def _queue(self, response: _Response, times: int) -> None:
        with self._changed:
            self._responses.extend([response] * times)

    def _take_response(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Response:
        with self._changed:
            response = self._responses.popleft() if self._responses else _NO_CONTENT
            self._received.append(Received(method, path, headers, body, response.status))
            self._changed.notify_all()
        return response


# Not the HTTP server of the standard library, which looks up the host name of 127.0.0.1; this may be slow.
class _Listener(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver
        self._ending = False

    def run(self) -> None:
        while not self._ending:
            self.handle_request()

    def wake(self) -> None:
        self._ending = True
        # `handle_request` waits for a connection without a timeout.
        connect("127.0.0.1", self.server_address[1], _WAIT_SECONDS).close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect before their request is complete."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: _Listener

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        size = min(int(length), _MAX_BODY) if length.isdigit() else 0
        body = self.rfile.read(size)
        self.close_connection = True
        if len(body) < size:  # the client disconnected
            return
        response = self.server.receiver._take_response(self.command, self.path, headers, body)  # noqa: SLF001  (one module)
        if response.status == 0:
            return
        extra = dict(response.headers)
        if response.status // 100 == 3:  # noqa: PLR2004  (the 3 of 3xx)
            extra.setdefault("location", "/elsewhere")
        self.send_response(response.status)
        for name, value in {**extra, "content-length": "0", "connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_POST = do_GET = do_PUT = do_HEAD = _answer  # noqa: N815  (the library's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        """Log nothing."""
