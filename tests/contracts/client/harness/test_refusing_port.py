"""A port that refuses connections for a while, counts the attempts, and then leads to a server."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Thread
from urllib.parse import urlsplit

import pytest  # noqa: TC002  (the fixture is a parameter)
from evolink_check.client.harness import refusing_port
from evolink_check.client.harness.refusing_port import refusing


def test_attempts_are_counted_while_connections_are_refused_and_then_the_server_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusing_port, "CLOSED", 0.3)
    monkeypatch.setattr(refusing_port, "_SECONDS", 0.7)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_answer_once, args=(server,), daemon=True).start()
        with refusing(f"http://127.0.0.1:{server.getsockname()[1]}", 0.3) as port:
            address = ("127.0.0.1", urlsplit(port.url).port or 0)
            began, answer = time.monotonic(), b""
            while not answer and time.monotonic() < began + 30:
                with suppress(OSError), socket.create_connection(address, 5) as client:
                    client.sendall(b"hello")
                    answer = client.recv(100)
    assert answer == b"HELLO"
    assert time.monotonic() - began > 0.4
    assert max(port.attempts) >= 4, "nothing was waited for between attempts"


def _answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(connection.recv(100).upper())
