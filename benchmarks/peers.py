"""Throughput of Prism and WireMock beside evolink-mock and the bare ASGI app, in one run.

    uv run benchmarks/peers.py [ROUNDS] [SECONDS]

Needs wrk, npm and Java. Installs the npm packages of both in a temporary folder. Each has its fastest settings: Prism
serves static examples with its log off, WireMock has no journal and no log.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import evolink_spec
from measuring.processes import free_port, mock, plain, request, resident_mib, started
from throughput import CREATE, FLOOR, Server, measure, show, start

PACKAGES = ("@stoplight/prism-cli", "wiremock")
DOCUMENTS = Path(evolink_spec.__file__).parent / "openapi"
TASK = "task-unified-1757169743-7cvnl5zw"
JSON = {"Content-Type": "application/json"}


def installed(folder: Path) -> Path:
    """The folder with the commands of both packages."""
    npm = shutil.which("npm")
    if npm is None or not shutil.which("java"):
        raise SystemExit("npm and java are needed")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    subprocess.run(command, check=True)
    return folder / "node_modules" / ".bin"


def prism(stack: ExitStack, commands: Path) -> Server:
    """Prism serves one document, so two processes serve the create and the query operation."""
    pids, ports = [], []
    for document in ("grok-imagine-image-to-video.yaml", "get-task-detail.yaml"):
        port = free_port()
        command = [
            str(commands / "prism"),
            "mock",
            str(DOCUMENTS / document),
            "-p",
            str(port),
            "-v",
            "silent",
        ]
        pids.append(stack.enter_context(started(command, port)).pid)
        ports.append(port)
    return Server("Prism", (ports[0], ports[1], ports[0]), tuple(pids), TASK)


def wiremock(stack: ExitStack, folder: Path) -> Server:
    """WireMock with a stub for each kind of request; a body with another duration than 6 is refused."""
    mappings = folder / "mappings"
    mappings.mkdir()
    answer = {"id": TASK, "object": "video.generation.task", "status": "pending", "progress": 0}
    stubs = [
        ("POST", CREATE, 200, 1, [{"matchesJsonPath": "$[?(@.duration == 6)]"}]),
        ("POST", CREATE, 400, 5, []),
        ("GET", f"/v1/tasks/{TASK}", 200, 1, []),
    ]
    for number, (method, path, status, priority, patterns) in enumerate(stubs):
        stub = {
            "priority": priority,
            "request": {
                "method": method,
                "urlPath": path,
                "headers": {"Authorization": {"matches": "Bearer .+"}},
                **({"bodyPatterns": patterns} if patterns else {}),
            },
            "response": {"status": status, "headers": JSON, "jsonBody": answer},
        }
        (mappings / f"{number}.json").write_text(json.dumps(stub), encoding="utf-8")
    port = free_port()
    archive = next(folder.glob("node_modules/wiremock/build/*.jar"))
    options = ["--no-request-journal", "--disable-banner", "--disable-request-logging"]
    command = ["java", "-jar", str(archive), "--port", str(port), "--root-dir", str(folder), *options]
    process = stack.enter_context(started(command, port))
    answer_bytes = request(port, "GET", f"/v1/tasks/{TASK}")
    if not answer_bytes.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"WireMock: {answer_bytes!r}")
    return Server("WireMock", (port, port, port), (process.pid,), TASK)


def main(rounds: int = 3, seconds: int = 3) -> None:
    """Print the table, and the memory afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        commands = installed(folder)
        bare, own = free_port(), free_port()
        servers = [
            start(stack, FLOOR, plain(bare, "bare"), bare),
            start(stack, "evolink-mock", mock(own), own),
            prism(stack, commands),
            wiremock(stack, folder),
        ]
        show(measure(servers, rounds, seconds))
        for server in servers:
            print(f"{server.name}: {sum(map(resident_mib, server.pids)):.0f} MiB afterwards")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
