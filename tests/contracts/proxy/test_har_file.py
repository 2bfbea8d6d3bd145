"""The file of a recording grows as exchanges end, and can be read at any time."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.proxy.har_file import HarFile
from evolink_check.traffic.har.archive import from_har
from evolink_check.traffic.har.schema import LogFacts
from evolink_check.traffic.trace import Account, Entry, Exchange
from evolink_mock import MockServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FACTS = LogFacts((Account("key-1"),), "https://api.example.test", complete=True)
ENTRY = Entry(0, Exchange("GET", "https://api.example.test/v1/credits", (), b"", 200, (), b"{}"), 1.0, 2.0)


def entries_in(path: Path) -> list[Any]:
    entries: list[Any] = json.loads(path.read_bytes())["log"]["entries"]
    return entries


def until(true: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(2000):
        if true():
            return
        tick.wait(0.01)
    raise AssertionError


def test_the_file_is_a_whole_document_after_each_entry(tmp_path: Path) -> None:
    path = tmp_path / "t.har"

    def holds(count: int) -> bool:
        try:
            return len(entries_in(path)) == count
        except (OSError, ValueError):  # not there yet, or read in the middle of a write
            return False

    file = HarFile(path, LogFacts, pytest.fail)
    assert not path.exists()
    for count in range(1, 4):
        file.append(replace(ENTRY, began=float(count)))
        until(partial(holds, count))
    file.close()


def test_what_is_written_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.har"
    path.write_text("something longer than all that follows" * 1000)
    path.chmod(0o600)
    file = HarFile(path, lambda: FACTS, pytest.fail)
    entries = [replace(ENTRY, number=number, began=float(number)) for number in range(3)]
    for entry in entries:
        file.append(entry)
    file.close()
    trace = from_har([("t.har", json.loads(path.read_bytes()))])
    assert (list(trace.entries), trace.origin, trace.complete) == (entries, FACTS.origin, True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_said_once_and_leaves_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, room = tmp_path / "t.har", os.pwrite, 2000

    def limited(descriptor: int, data: bytes, offset: int) -> int:
        if offset >= room:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: room - offset], offset)

    monkeypatch.setattr("evolink_check.proxy.har_file.os.pwrite", limited)
    problems: list[str] = []
    file = HarFile(path, lambda: FACTS, problems.append)
    for _ in range(20):
        file.append(ENTRY)
    file.close()
    assert problems == [f"{path}: cannot be written: No space left on device"] == [file.problem]
    assert 0 < len(entries_in(path)) < 20


class Proxy:
    """`evolink-check proxy` in a process of its own."""

    def __init__(self, path: Path, upstream: str, **more: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = ["proxy", "--upstream", upstream, "--port", str(self.port), "--har", str(path)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evolink_check", *command], stderr=subprocess.PIPE, text=True, **more
        )
        assert self.process.stderr is not None
        self.stderr = self.process.stderr
        assert "forwards to" in self.stderr.readline()

    def get(self, times: int) -> None:
        url = f"http://127.0.0.1:{self.port}/v1/credits"
        with httpx2.Client(trust_env=False, headers={"Authorization": "Bearer a-key-of-mine"}) as client:
            assert {client.get(url).status_code for _ in range(times)} == {200}


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


def test_a_proxy_that_is_killed_has_written_every_exchange(tmp_path: Path, mock: MockServer) -> None:
    path = tmp_path / "t.har"
    proxy = Proxy(path, mock.base_url)
    try:
        proxy.get(30)
        until(lambda: path.exists() and len(entries_in(path)) == 30)
    finally:
        proxy.process.send_signal(signal.SIGKILL)
        proxy.process.communicate()
    assert len(from_har([("t.har", json.loads(path.read_bytes()))]).entries) == 30
    assert "a-key-of-mine" not in path.read_text()


def test_a_proxy_that_cannot_write_says_so_at_once_and_goes_on(tmp_path: Path, mock: MockServer) -> None:
    path, limit = tmp_path / "t.har", 20_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    proxy = Proxy(path, mock.base_url, preexec_fn=limited, stdout=subprocess.PIPE)
    try:
        proxy.get(40)
        assert f"{path}: cannot be written" in proxy.stderr.readline()
        proxy.get(1)
        proxy.process.send_signal(signal.SIGINT)
        report, errors = proxy.process.communicate(timeout=60)
    finally:
        proxy.process.kill()
        proxy.process.communicate()
    assert proxy.process.returncode == 2
    assert 0 < len(entries_in(path)) < 40
    assert "passed" in report
    assert errors.rstrip().endswith(f"{path}: cannot be written: File too large")
    assert "Traceback" not in errors
