"""The HTTP server of the callback receiver, based on the standard library.

Each delivery of a callback is recorded as an entry of the trace.
"""

from __future__ import annotations

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from evolink_check.traffic.trace import Entry, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.transport.callback_script import Answer, CallbackAddress

SERVER = "server"  # the label of the sender of deliveries
SIGNATURE = "X-Evolink-Check"  # the header of responses of this run's receiver
_MOST_BYTES = 256 * 1024  # maximum bytes of a body that are read; a callback has a few hundred
_MOST_CONNECTIONS = 256
_IDLE_SECONDS = 30.0  # how long a silent sender can occupy a thread
_LINE = 1024  # maximum bytes of the line before a chunk
_HEX = re.compile(rb"[0-9a-fA-F]{1,8}")


class Deliveries(Protocol):
    """The methods and attributes of a `CallbackReceiver` that the server uses."""

    ending: bool
    on_delivery: Callable[[str], None] | None

    @property
    def public(self) -> str:
        """The beginning of every callback URL, without a slash at the end."""

    def now(self) -> float:
        """Return the time in Unix seconds."""

    def begin_delivery(self, path: str) -> tuple[CallbackAddress | None, Answer]:
        """Count a delivery to this path. Return the state of the callback URL and the answer to send.

        If no callback URL has this path, the state is None.
        """

    def end_delivery(self, address: CallbackAddress | None, entry: Entry) -> None:
        """Record a delivery that has been answered."""

    def public_url(self, path: str) -> str:
        """Return the whole URL to which the sender sent its request. `path` is the path in the request."""


# `http.server.HTTPServer` would look up its own host name on the network.
class CallbackServer(ThreadingTCPServer):
    """An HTTP server with one thread for each connection."""

    daemon_threads = False  # `server_close` waits for the handlers
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], receiver: Deliveries) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        super().__init__(listen, _Handler)
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def serve(self) -> None:
        """Accept connections until `receiver.ending` is True and `wake` is called."""
        while not self.receiver.ending:
            self.handle_request()

    def wake(self) -> None:
        """Stop reading from every open connection, and wake `serve`.

        Set `receiver.ending` before this call, so that `serve` ends.
        """
        with self._guard:
            for connection in self._open:
                _shut(connection)
        host, port = self.server_address[:2]
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(host), str(host))  # noqa: S104  (the address that it listens on)
        socket.create_connection((here, int(port))).close()

    def verify_request(self, *_: object) -> bool:
        """Return False if too many connections are open. The server then closes the new connection."""
        return len(self._open) < _MOST_CONNECTIONS

    def opened(self, connection: socket.socket) -> None:
        """Remember a new connection.

        If the server is shutting down, this method also stops reading from the connection.
        """
        with self._guard:
            self._open.add(connection)
            if self.receiver.ending:
                _shut(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection that was closed."""
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing if a sender disconnects."""


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # already closed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: CallbackServer

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def _handle(self) -> None:
        receiver = self.server.receiver
        began = receiver.now()
        self.close_connection = True
        body = self._body()
        address, answer = receiver.begin_delivery(self.path)
        if address is None and self.command in {"GET", "HEAD"}:
            self._answer(answer)
            return
        if receiver.on_delivery is not None and address is not None:
            receiver.on_delivery(address.name)
        problem = self._delay(answer)
        if not problem:
            problem = self._answer(answer) if answer.status else "the receiver closed"
        receiver.end_delivery(
            address, self._entry(body, began, 0 if problem else answer.status, problem, address)
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return b""
        return self.rfile.read(min(int(length), _MOST_BYTES))

    def _chunks(self) -> bytes:
        # If the sender stops early, the result is the part that has arrived (RFC 9112).
        parts, size = [], 0
        while size < _MOST_BYTES:
            number = self.rfile.readline(_LINE).partition(b";")[0].strip()
            length = int(number, 16) if _HEX.fullmatch(number) else 0
            if not length:
                break
            parts.append(self.rfile.read(min(length, _MOST_BYTES)))
            size += length
            self.rfile.readline(_LINE)
        return b"".join(parts)

    def _delay(self, answer: Answer) -> str:
        # A text is the reason why the wait ended early.
        if not answer.seconds:
            return ""
        self.connection.settimeout(answer.seconds)
        try:
            closed = self.connection.recv(1) == b""
        except TimeoutError:
            return ""
        except OSError:
            closed = True
        finally:
            self.connection.settimeout(self.timeout)
        if self.server.receiver.ending:
            return "still open"
        return "the sender closed" if closed else ""

    def _answer(self, answer: Answer) -> str:
        # A text is the reason why sending failed.
        try:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.elsewhere:
                number = urlsplit(self.path).path.rpartition("/")[2]
                self.send_header("Location", f"{self.server.receiver.public}/elsewhere/{number}")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.flush()
        except OSError:
            return "the sender closed"
        return ""

    def _entry(
        self, body: bytes, began: float, status: int, problem: str, address: CallbackAddress | None
    ) -> Entry:
        receiver = self.server.receiver
        headers = tuple((name, value) for name, value in self.headers.items())
        exchange = Exchange(self.command, receiver.public_url(self.path), headers, body, status, (), b"")
        case = address.name if address else ""
        return Entry(-1, exchange, began, receiver.now(), "delivery", SERVER, problem=problem, case=case)

    do_POST = do_PUT = do_PATCH = do_GET = do_HEAD = do_DELETE = _handle  # noqa: N815  (the library's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Log nothing."""
