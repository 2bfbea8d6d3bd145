"""Servers under measurement: started on one core, asked when they are up, ended by the id they were started with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SERVER_CORE, CLIENT_CORE = 0, 1
BODY = (
    '{"model":"grok-imagine-image-to-video-beta","prompt":"The person starts dancing",'
    '"image_urls":["https://example.com/image.jpg"],"duration":6,"mode":"normal","quality":"480p"}'
)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def beside_python(name: str) -> str:
    """A command of this environment."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit(f"{name} is not installed in this environment: run this with `uv run`")
    return found


def mock(port: int, *options: str) -> list[str]:
    """The command line of the mock."""
    return [beside_python("evolink-mock"), "serve", "--port", str(port), *options]


def plain(port: int, app: str) -> list[str]:
    """The command line of one of the baseline's apps under uvicorn."""
    return [
        *(
            beside_python("uvicorn"),
            f"measuring.baseline:{app}",
            "--app-dir",
            str(HERE.parent),
            "--port",
            str(port),
        ),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    ]


def pinned(core: int, command: list[str]) -> list[str]:
    """The command on one core, where there is more than one."""
    cores = os.cpu_count() or 1
    return ["taskset", "-c", str(core), *command] if cores > 1 and shutil.which("taskset") else command


@contextmanager
def started(command: list[str], port: int, *, pin: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that accepts connections; its output is thrown away, as a log file would take it."""
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(
            pinned(SERVER_CORE, command) if pin else command,
            stdout=nowhere,
            stderr=nowhere,
            env=ENVIRONMENT,
        )
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait()


class StoreServer(NamedTuple):
    """A running Redis or Valkey server."""

    url: str
    pid: int


@contextmanager
def redis_server(folder: Path, *, pin: bool = False) -> Iterator[StoreServer]:
    """A server that writes every command to a file in the folder before it replies, so that a kill loses nothing."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise SystemExit("neither valkey-server nor redis-server is installed")
    port = free_port()
    options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", str(folder))
    with started([program, "--port", str(port), *options], port, pin=pin) as process:
        yield StoreServer(f"redis://127.0.0.1:{port}", process.pid)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the port accepts; SystemExit when the process has ended instead."""
    while True:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}: {process.args!r}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.001)
        else:
            return


def request(port: int, method: str, path: str, body: str = "") -> bytes:
    """One exchange over a fresh connection, without a client library's own start-up in the number."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer benchmark\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(head.encode() + body.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def resident_mib(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
