"""The sockets of the callback receiver: the standard library's server, watched while it answers."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.traffic.trace import Entry, Exchange

if TYPE_CHECKING:
    from evolink_check.transport.callback_receiver import Address, Answer, CallbackReceiver

SERVER = "server"  # who delivers
SIGN = "X-Evolink-Check"  # by which we know ourselves
_MOST_BYTES = 4 * 1024 * 1024  # of a body; a callback is a few hundred
_IDLE_SECONDS = 30.0  # somebody who says nothing does not hold a thread for longer
_LINE = 1024  # bytes of the line before a chunk
_HEX = re.compile(rb"[0-9a-fA-F]{1,8}")


class CallbackServer(ThreadingTCPServer):
    """The standard library's server, not its HTTP server, which asks a name server for its own name first."""

    daemon_threads = False  # closing waits for them
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], receiver: CallbackReceiver) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        super().__init__(listen, _Handler)
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def run(self) -> None:
        """Take connections until `wake`."""
        while not self.receiver.ending:
            self.handle_request()

    def wake(self) -> None:
        """Let `run` end, and whoever waits for a sender."""
        with self._guard:
            for connection in self._open:
                _shut(connection)
        host, port = self.server_address[:2]
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(host), str(host))  # noqa: S104  (what it was bound to)
        socket.create_connection((here, int(port))).close()

    def opened(self, connection: socket.socket) -> None:
        """Shut it when the receiver ends."""
        with self._guard:
            self._open.add(connection)
            if self.receiver.ending:
                _shut(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget it: it is over."""
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Somebody who goes away is no news: what came of it is in the trace."""


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it is over already


@dataclass(slots=True)
class _Call:
    """One delivery as it came."""

    body: bytes
    began: float
    problem: str = ""


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

    def _take(self) -> None:
        receiver = self.server.receiver
        call = _Call(b"", receiver.now())
        self.close_connection = True
        call.body = self._body()
        address, answer = receiver.arrived(self.path)
        if address is None and self.command in {"GET", "HEAD"}:
            self._say(answer, "")
            return
        if receiver.on_delivery is not None and address is not None:
            receiver.on_delivery(address.name)
        call.problem = self._wait(answer)
        status = answer.status
        if not call.problem and status:
            call.problem = self._say(answer, receiver.public)
        elif not call.problem:
            call.problem = "the receiver closed"
        if call.problem:
            status = 0
        receiver.over(address, self._entry(call, status, address))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return b""
        return self.rfile.read(min(int(length), _MOST_BYTES))

    def _chunks(self) -> bytes:
        """A body in chunks (RFC 9112), as far as it came."""
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

    def _wait(self, answer: Answer) -> str:
        """Let the time of an answer pass; why it was not waited for to the end."""
        if not answer.seconds:
            return ""
        self.connection.settimeout(answer.seconds)
        try:
            over = self.connection.recv(1) == b""
        except TimeoutError:
            return ""
        except OSError:
            over = True
        finally:
            self.connection.settimeout(self.timeout)
        if self.server.receiver.ending:
            return "still open"
        return "the sender closed" if over else ""

    def _say(self, answer: Answer, public: str) -> str:
        """Answer; why that did not succeed."""
        try:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.elsewhere:
                number = urlsplit(self.path).path.rpartition("/")[2]
                self.send_header("Location", f"{public}/elsewhere/{number}")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.flush()
        except OSError:
            return "the sender closed"
        return ""

    def _entry(self, call: _Call, status: int, address: Address | None) -> Entry:
        receiver = self.server.receiver
        headers = tuple((name, value) for name, value in self.headers.items())
        found = Exchange(self.command, receiver.shown(self.path), headers, call.body, status, (), b"")
        name = address.name if address else ""
        return Entry(
            -1, found, call.began, receiver.now(), "delivery", SERVER, problem=call.problem, case=name
        )

    do_POST = do_PUT = do_PATCH = do_GET = do_HEAD = do_DELETE = _take  # noqa: N815  (the library's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Say nothing."""
