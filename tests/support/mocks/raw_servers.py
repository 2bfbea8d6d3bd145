"""Servers below HTTP: what they send is theirs to choose, to the byte."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Talk = Callable[[socket.socket, threading.Event], None]


@contextmanager
def raw_server(talk: Talk) -> Iterator[str]:
    """The URL of a server that calls `talk(connection, ended)` for each connection, once its request has come."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            talk(connection, ended)

    def listen() -> None:
        while not ended.is_set():
            connection, _ = listening.accept()
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=listen, daemon=True)
        accepting.start()
        try:
            yield "http://{}:{}".format(*listening.getsockname())
        finally:
            ended.set()
            socket.create_connection(listening.getsockname()).close()
            for thread in (accepting, *threads):
                thread.join(5)


def answering(answer: bytes) -> Talk:
    """Send these bytes and close."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(answer)

    return talk


def repeating(part: bytes, seconds: float = 0.0, begin: bytes = b"") -> Talk:
    """Send a part again and again, so many seconds apart, until the client or the test ends."""

    def talk(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(begin)
        while not ended.wait(seconds):
            connection.sendall(part)

    return talk
