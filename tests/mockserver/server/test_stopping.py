"""The command, in a process of its own: how it stops, and that nobody has to read what it logs."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).parent / "evolink-mock"
KEY = {"Authorization": "Bearer key", "Content-Type": "application/json"}
WAITING = {
    "a wait of the control API": (
        "POST",
        "/__mock__/wait/callbacks",
        {},
        '{"count": 1, "timeout": 500}',
        503,
    ),
    "a recipe's latency": ("GET", "/v1/credits", {"Prefer": "mock=latency=500s"}, None, 200),
    "a response that trickles": ("GET", "/v1/credits", {"Prefer": "mock=trickle=500s"}, None, 200),
    "a body that does not come": ("POST", "/v1/videos/generations", {"Content-Length": "5"}, None, 503),
}


@contextmanager
def serving(*options: str | Path, **streams: Any) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command with these options and its port; it is killed when the test takes too long."""
    argv: list[str | Path] = [COMMAND, "serve", "--port", "0", *options]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **streams) as process:
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        assert process.stdout
        ready = next(line for line in process.stdout if "evolink-mock serves" in line)
        port = re.search(r"http://127\.0\.0\.1:(\d+)", ready)
        assert port
        yield process, int(port[1])
        deadline.cancel()
        process.kill()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=50)
    try:
        yield connection
    finally:
        connection.close()


def ask(port: int, request: tuple[Any, ...], sent: threading.Barrier) -> tuple[int, bytes]:
    """The status and body of a response; `sent` is passed before it is waited for."""
    method, path, headers, body, _ = request
    with connected(port) as connection:
        connection.request(method, path, body, KEY | headers)
        sent.wait()
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["SIGTERM", "SIGINT", "SIGHUP"]
)
def test_requests_under_way_are_answered_and_it_ends_with_0_and_without_a_port_file(
    number: signal.Signals, tmp_path: Path
) -> None:
    sent, port_file = threading.Barrier(len(WAITING) + 1), tmp_path / "port"
    with (
        serving(
            "--port-file",
            port_file,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
        ) as (process, port),
        ThreadPoolExecutor(len(WAITING)) as pool,
    ):
        futures = [pool.submit(ask, port, request, sent) for request in WAITING.values()]
        sent.wait()
        with connected(port) as connection:  # what is answered now came after them
            connection.request("GET", "/v1/credits", headers=KEY)
            assert connection.getresponse().status == 200
        process.send_signal(number)
        answers = [future.result() for future in futures]
        _, log = process.communicate()
    assert (process.returncode, port_file.exists()) == (0, False)
    assert [status for status, _ in answers] == [request[4] for request in WAITING.values()]
    assert {json.loads(body).get("error", {}).get("code") for _, body in answers} == {
        None,
        "service_unavailable",
    }
    assert "Traceback" not in log


def test_a_second_ctrl_c_soon_after_the_first_changes_nothing() -> None:
    with (
        serving(stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as (
            process,
            port,
        ),
        connected(port) as waiting,
        connected(port) as connection,
    ):
        waiting.request("GET", "/v1/credits", headers=KEY | {"Prefer": "mock=latency=500s"})
        connection.request("GET", "/v1/credits", headers=KEY)
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert waiting.getresponse().status == 200
        _, log = process.communicate()
    assert (process.returncode, "Traceback" in log) == (0, False)


def test_a_request_that_waits_in_a_tunnel_of_the_proxy_is_answered(tmp_path: Path) -> None:
    options = ("--ca-dir", tmp_path / "ca", "--proxy-port", "0")
    with serving(*options, stderr=subprocess.PIPE) as (process, port):
        proxy = next(
            found for line in process.stdout or () if (found := re.search(r"HTTPS_PROXY=(\S+)", line))
        )
        trusted = ssl.create_default_context(cafile=tmp_path / "ca" / "ca.pem")
        tunnel = http.client.HTTPSConnection("127.0.0.1", int(proxy[1].rpartition(":")[2]), context=trusted)
        tunnel.set_tunnel("api.evolink.ai")
        tunnel.request("GET", "/v1/credits", headers=KEY | {"Prefer": "mock=latency=500s"})
        with connected(port) as connection:
            connection.request("GET", "/v1/credits", headers=KEY)
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        assert tunnel.getresponse().status == 200
        tunnel.close()
        _, log = process.communicate()
    assert (process.returncode, "Traceback" in log) == (0, False)


def test_waiting_requests_that_were_pipelined_are_all_answered() -> None:
    head = b"GET /v1/credits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\n"
    with (
        serving(stderr=subprocess.PIPE) as (process, port),
        socket.create_connection(("127.0.0.1", port), timeout=50) as pipelining,
    ):
        pipelining.sendall((head + b"Prefer: mock=latency=500s\r\n\r\n") * 50)
        with connected(port) as connection:  # what is answered now came after them
            connection.request("GET", "/v1/credits", headers=KEY)
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        answers = b"".join(iter(lambda: pipelining.recv(65_536), b""))
        _, log = process.communicate()
    assert (process.returncode, answers.count(b"HTTP/1.1 200 OK"), "Traceback" in log) == (0, 50, False)


def test_a_stderr_that_nobody_reads_stops_nothing() -> None:
    reader, writer = os.pipe()  # it holds some 800 lines
    with serving(stderr=writer) as (process, port):
        os.close(writer)
        with connected(port) as connection:
            for _ in range(3000):
                connection.request("GET", "/v1/credits", headers=KEY)
                answer = connection.getresponse()
                assert (answer.status, len(answer.read()) > 0) == (200, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert process.stdout
        assert process.stdout.read().endswith("stopped\n")
    with os.fdopen(reader, encoding="utf-8") as log:
        assert "200  GET /v1/credits" in log.readline()


def test_a_json_log_is_objects_only_from_the_ready_line_to_the_stop() -> None:
    with serving("--log-format", "json", stderr=subprocess.STDOUT) as (process, port):
        with connected(port) as connection:
            for headers in (KEY | {"X-Request-Id": "id-7"}, {}):
                connection.request("GET", "/v1/credits", headers=headers)
                connection.getresponse().read()
        process.send_signal(signal.SIGTERM)
        assert process.stdout
        lines = [json.loads(line) for line in process.stdout]
    assert [line["event"] for line in lines] == ["request", "request", "stopped"]
    assert [line.get("request_id") for line in lines] == ["id-7", None, None]
    assert (lines[0]["reasons"], len(lines[1]["reasons"])) == ([], 1)


def test_every_request_has_its_line_when_it_has_ended() -> None:
    with serving(stderr=subprocess.PIPE) as (process, port), connected(port) as connection:
        for number in range(50):
            connection.request("GET", f"/{number}", headers=KEY)
            connection.getresponse().read()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert [line.split()[3] for line in log.splitlines()] == [f"/{number}" for number in range(50)]
