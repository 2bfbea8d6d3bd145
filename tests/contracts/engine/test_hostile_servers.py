"""A server under test neither holds nor kills the checker."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from evolink_check.engine.preflight import CouldNotRunError
from evolink_check.engine.runner import check_api
from evolink_check.generation import boundary_cases
from evolink_check.settings import Effort
from evolink_check.transport.http import LARGEST_ANSWER
from support.mocks.raw_servers import raw_server, repeating
from support.mocks.targets import subject_at

if TYPE_CHECKING:
    import socket

    from support.mocks.raw_servers import Talk

HOLDING = {
    "a head without end": repeating(b"X-More: 1\r\n", 0.01, b"HTTP/1.1 200 OK\r\n"),
    "interim responses without end": repeating(b"HTTP/1.1 102 Processing\r\n\r\n", 0.001),
    "a body without end": repeating(b"[", 0.01, b"HTTP/1.1 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("how", HOLDING)
def test_a_run_ends_when_its_time_is_over_whatever_the_server_sends(how: str) -> None:
    with (
        raw_server(HOLDING[how]) as url,
        pytest.raises(CouldNotRunError, match="can be reached, but did not complete"),
    ):
        check_api(subject_at(url), Effort(seconds=1.0))


@pytest.mark.parametrize("how", HOLDING)
def test_ctrl_c_ends_a_command_that_the_server_holds(how: str) -> None:
    arrived = threading.Event()

    def talk(connection: socket.socket, ended: threading.Event) -> None:
        arrived.set()
        HOLDING[how](connection, ended)

    with raw_server(talk) as url:
        command = [sys.executable, "-m", "evolink_check", "api", url, "--time-limit", "3600"]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={"EVOLINK_API_KEY": "a-key-of-mine"}
        )
        try:
            assert arrived.wait(60)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.count("stopped before the server answered") == 1
    assert "Traceback" not in errors


def large(value: bytes) -> Talk:
    """Answer every request of a connection with a JSON array that is longer than is kept."""
    body = b"[" + (value + b",") * (LARGEST_ANSWER // len(value)) + value + b"]"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(head % len(body) + body)

    return talk


def test_what_was_not_read_of_large_responses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    creates = boundary_cases.invalid_creates

    def few(*arguments: object) -> object:
        return creates(*arguments)[:5]  # type: ignore[arg-type]

    monkeypatch.setattr(boundary_cases, "invalid_creates", few)
    with raw_server(large(b"{}")) as url:
        report = check_api(subject_at(url), Effort(seconds=60.0, examples=0))
    answered = [entry for entry in report.trace.entries if entry.exchange.status]
    responses = [entry for entry in answered if entry.size is not None]
    assert {entry.exchange.method for entry in answered if entry.size is None} <= {"HEAD"}
    assert len(responses) > 5
    assert not any(entry.exchange.response_body for entry in responses)
    note = f"{len(responses)} responses above 128 KiB were not read to their end, and their bodies were not judged"
    assert note in report.notes
