"""A callback receiver on loopback for tests: it remembers what came, and fails as often as it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAIT_SECONDS = 10.0
_MOST_BYTES = 10 * 1024 * 1024  # of a body; a callback is a few hundred
_IDLE_SECONDS = 30.0  # a client that says nothing does not hold a thread for longer


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came. `path` has the query string; header names are in lower case; `status` was answered.

    A `status` of 0: the connection was closed without an answer.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    def json(self) -> Any:
        """The body decoded; ValueError when it is no JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


_TAKEN = _Answer(204)
_DROPPED = _Answer(0)


class Receiver:
    """Listens on a free port of 127.0.0.1 while the `with` block runs, in a thread of its own.

    It answers 204, unless it was told otherwise: `fail`, `answer` and `drop` queue answers, given in turn.
    """

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._received: list[Received] = []
        self._answers: deque[_Answer] = deque()
        self._server: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What to give as `callback_url`; every other path and query of the same host is received as well."""
        if self._server is None:
            raise RuntimeError("the receiver is not listening: use it in a `with` block")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/callback"

    @property
    def received(self) -> list[Received]:
        """What has come so far, in the order of arrival."""
        with self._news:
            return list(self._received)

    def fail(self, times: int = 1, status: int = 500) -> None:
        """Answer the next `times` requests with an error."""
        self.answer(status, times)

    def answer(self, status: int, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        """Answer the next `times` requests so; `location` is added to a redirect that has none.

        ValueError for a status that no final answer has (200 to 599), or less than one time.
        """
        if not 200 <= status <= 599 or times < 1:  # noqa: PLR2004  (an informational answer is followed by another)
            raise ValueError(
                f"answer(status={status}, times={times}): a status is 200 to 599, times at least 1"
            )
        self._queue(_Answer(status, dict(headers or {})), times)

    def drop(self, times: int = 1) -> None:
        """Close the connection of the next `times` requests without an answer."""
        self._queue(_DROPPED, times)

    def wait(self, count: int = 1, timeout: float = _WAIT_SECONDS) -> list[Received]:
        """Wait for so many requests in all; everything received. TimeoutError after `timeout` real seconds."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._received) >= count, timeout):
                raise TimeoutError(f"{len(self._received)} of {count} callbacks came within {timeout:g} s")
            return list(self._received)

    def clear(self) -> None:
        """Forget what came, and answer 204 again."""
        with self._news:
            self._received.clear()
            self._answers.clear()

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

    def _queue(self, answer: _Answer, times: int) -> None:
        with self._news:
            self._answers.extend([answer] * times)

    def _take(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        """Remember a request and give its answer, in one step: what `wait` shows is what was answered."""
        with self._news:
            answer = self._answers.popleft() if self._answers else _TAKEN
            self._received.append(Received(method, path, headers, body, answer.status))
            self._news.notify_all()
        return answer


class _Listener(ThreadingTCPServer):
    """The standard library's server, ended by a last connection: it need not look at a flag every so often.

    Not its HTTP server, which asks a name server for the name of 127.0.0.1 first.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver
        self._ending = False

    def run(self) -> None:
        """Take connections until `wake`."""
        while not self._ending:
            self.handle_request()

    def wake(self) -> None:
        """Let `run` end."""
        self._ending = True
        socket.create_connection(self.server_address[:2]).close()  # type: ignore[arg-type]  # typeshed allows bytes

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news: what came of it is seen in `received`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: _Listener

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        size = min(int(length), _MOST_BYTES) if length.isdigit() else 0
        body = self.rfile.read(size)
        self.close_connection = True
        if len(body) < size:  # the client went away
            return
        answer = self.server.receiver._take(self.command, self.path, headers, body)  # noqa: SLF001  (one room)
        if answer.status == 0:
            return
        more = dict(answer.headers)
        if answer.status // 100 == 3:  # noqa: PLR2004  (the 3 of 3xx)
            more.setdefault("location", "/elsewhere")
        self.send_response(answer.status)
        for name, value in {**more, "content-length": "0", "connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    do_POST = do_GET = do_PUT = do_HEAD = _answer  # noqa: N815  (the library's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        """Say nothing: a test shows what it wants to show."""
