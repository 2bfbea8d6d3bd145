"""A port that first refuses connections and then forwards them to a mock.

Refused connections cannot be counted. For this reason, the port is opened for a second now and then. The connections in
this second are accepted, counted and reset. Many connections show that a client does not wait between its attempts.
Some clients give up after the first reset. An immediate connection suggests that such a client does not wait between
attempts.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 2.5  # how many seconds connections are refused
CLOSED, _OPEN = 0.75, 1.0  # how many seconds the port is closed, and then open
_VARIATION = 0.2  # a random number of seconds, up to this, is added to the time in which the port is closed
# Seconds to wait for the rest of a request, so that the client is reading, not writing, when the reset arrives.
_REQUEST = 0.02
_PORTS = range(20_000, 32_000)  # lower than ports of outgoing connections, so no client connects to itself
_TRIES = 50
_ON, _AT_ONCE = 1, 0  # values of SO_LINGER with which closing resets the connection
_CHUNK = 65_536
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """When to open a port that refuses connections, and the results of earlier runs."""

    delays: tuple[float, ...] = ()  # the seconds from each opening to the first connection, in earlier runs
    closed: float = CLOSED  # seconds before the port is opened for the first time


class RefusingPort:
    """A port that refuses connections at first."""

    def __init__(self, target: str, closed: float) -> None:
        parts = urlsplit(target)
        self._closed = closed
        self._target = (parts.hostname or _HOST, parts.port or 80)
        self._over = threading.Event()
        self._free = _bind_any()
        self.url = f"http://{_HOST}:{self._free.getsockname()[1]}"
        self.attempts: list[int] = []  # the number of connections in each second in which the port was open
        self.delays: list[float] = []  # seconds from an opening to its first connection
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to refuse connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        address = self._free.getsockname()
        self._free.close()
        self._over.wait(self._closed - CLOSED)
        until = clock.stopwatch() + _SECONDS
        while clock.stopwatch() < until and not self._over.is_set():
            self._over.wait(CLOSED + random.uniform(0, _VARIATION))  # noqa: S311  (no secret)
            with suppress(OSError), _listening(address) as listener:
                self._reset_all(listener, clock.stopwatch() + _OPEN)
        with suppress(OSError), _listening(address) as listener:
            self._relay_all(listener)

    def _reset_all(self, listener: socket.socket, until: float) -> None:
        self.attempts.append(0)
        opened = clock.stopwatch()
        while (left := until - clock.stopwatch()) > 0:
            listener.settimeout(left)
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                if not self.attempts[-1]:
                    self.delays.append(clock.stopwatch() - opened)
                connection.settimeout(_REQUEST)
                with suppress(OSError):
                    while connection.recv(_CHUNK):
                        pass
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", _ON, _AT_ONCE))
                connection.close()
                self.attempts[-1] += 1

    def _relay_all(self, listener: socket.socket) -> None:
        listener.settimeout(0.1)
        while not self._over.is_set():
            with suppress(TimeoutError):
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _bind_any() -> socket.socket:
    for port in random.sample(_PORTS, _TRIES):
        bound = socket.socket()
        try:
            bound.bind((_HOST, port))
        except OSError:
            bound.close()
        else:
            return bound
    raise OSError("no free port was found")


@contextmanager
def _listening(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        yield listener


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        source.settimeout(None)
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def refusing(target: str, closed: float = CLOSED) -> Iterator[RefusingPort]:
    """Yield a port in front of the server at `target`.

    The port refuses connections for `closed` seconds. The port is then opened for a second now and then, to count
    connections. Finally, the port forwards connections to the server.
    """
    port = RefusingPort(target, closed)
    port.start()
    try:
        yield port
    finally:
        port.stop()
