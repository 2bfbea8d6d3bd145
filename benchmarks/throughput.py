"""Requests a second, 99th percentile and CPU time of create, query and refused create, relative to a bare ASGI app.

    uv run benchmarks/throughput.py [ROUNDS] [SECONDS] [ANOTHER CHECKOUT]

Needs wrk (Debian: apt-get install wrk). Server on one core, wrk (1 thread, 16 connections) on the other. The servers
take turns in each round, ratios are computed within a round, and the medians count, so that a slow minute of the
machine hits them all. ANOTHER CHECKOUT, with its `.venv`, is measured beside this one.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measuring.processes import (
    BODY,
    CLIENT_CORE,
    free_port,
    mock,
    pinned,
    plain,
    request,
    resident_mib,
    started,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

POST = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [=[{}]=]
"""
PIPELINE = """init = function() requests = string.rep(wrk.format(), 4) end
request = function() return requests end
"""
AUTHORIZATION = ("-H", "Authorization: Bearer benchmark")
CREATE = "/v1/videos/generations"
KINDS = ("create", "query", "refused create")
PIPELINED = "pipelined query"  # four at a time on each connection, which takes wrk less time
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Server(NamedTuple):
    """A server under measurement: its port for each kind of request, and the ids of its processes, the engine's apart.

    The engine is the process that keeps its state; 0 if there is none.
    """

    name: str
    ports: tuple[int, int, int]
    pids: tuple[int, ...]
    task: str
    engine: int = 0


class Sample(NamedTuple):
    """One run of wrk: requests a second, 99th percentile in ms, and CPU time in µs per request.

    The CPU time is that of the server, of its engine, and of wrk.
    """

    rate: float
    slow: float
    cpu: float
    engine: float
    generator: float


def sample(server: Server, kind: str, scripts: Path, seconds: int) -> Sample:
    """Measure one kind of request. SystemExit when a response is not the expected one."""
    url = f"http://127.0.0.1:{server.ports[KINDS.index(kind) if kind in KINDS else 0]}"
    path = f"/v1/tasks/{server.task}" if kind.endswith("query") else CREATE
    script = () if kind == "query" else ("-s", str(scripts / f"{kind}.lua"))
    before, engine = sum(map(cpu_seconds, server.pids)), cpu_seconds(server.engine)
    generator = ended_children_seconds()
    command = ["wrk", "-t1", "-c16", f"-d{seconds}", "--latency", *AUTHORIZATION, *script, f"{url}{path}"]
    output = subprocess.run(pinned(CLIENT_CORE, command), check=True, capture_output=True, text=True).stdout
    generator = ended_children_seconds() - generator
    used, engine = sum(map(cpu_seconds, server.pids)) - before, cpu_seconds(server.engine) - engine
    count = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    expected = count if kind == "refused create" and server.name != FLOOR else 0
    if (int(refused[1]) if refused else 0) != expected:
        raise SystemExit(f"{server.name}: not every response to a {kind} is the expected one:\n{output}")
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    assert slow is not None
    cpu = (taken / count * 1e6 for taken in (used, engine, generator))
    return Sample(count / seconds, float(slow[1]) * UNITS[slow[2]], *cpu)


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used (Linux); 0 for none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended_children_seconds() -> float:
    """The CPU time of the child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


FLOOR = "bare ASGI app, always 200"


def start(stack: ExitStack, name: str, command: list[str], port: int) -> Server:
    """A server with one process and one port, and a task to query."""
    process = stack.enter_context(started(command, port))
    answer = request(port, "POST", CREATE, BODY).decode()
    task = re.search(r"task-unified-\d{10}-\w{8}", answer)
    return Server(name, (port, port, port), (process.pid,), task[0] if task else "")


def write_scripts(folder: Path) -> None:
    """The scripts of wrk for the requests with a body."""
    refused = BODY.replace('"duration":6', '"duration":7')
    (folder / "create.lua").write_text(POST.format(BODY), encoding="utf-8")
    (folder / f"{PIPELINED}.lua").write_text(PIPELINE, encoding="utf-8")
    (folder / "refused create.lua").write_text(POST.format(refused), encoding="utf-8")


def measure(
    servers: list[Server], rounds: int, seconds: int, kinds: Sequence[str] = KINDS
) -> dict[tuple[str, str], list[Sample]]:
    """The samples of each kind and server, after one round that warms up."""
    found: dict[tuple[str, str], list[Sample]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_scripts(Path(folder))
        for turn in range(rounds + 1):
            for kind in kinds:
                for server in servers:
                    taken = sample(server, kind, Path(folder), seconds if turn else 1)
                    if turn:
                        found.setdefault((kind, server.name), []).append(taken)
    return found


def show(found: dict[tuple[str, str], list[Sample]]) -> None:
    """The table: medians, and medians of the ratios to the first server within each round."""
    print(
        "| | | requests/s | of the bare app | p99 (ms) | of the bare app | CPU (µs/request) | bare app / this |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (kind, name), samples in found.items():
        unit = found[kind, next(other for same, other in found if same == kind)]
        pairs = list(zip(samples, unit, strict=True))
        rate = statistics.median(one.rate / base.rate for one, base in pairs)
        slow = statistics.median(one.slow / base.slow for one, base in pairs)
        cpu = statistics.median(base.cpu / one.cpu for one, base in pairs)
        middle = [statistics.median(values) for values in zip(*samples, strict=True)]
        print(
            f"| {kind} | {name} | {middle[0]:,.0f} | {rate:.2f} | {middle[1]:.1f} | {slow:.1f} | {middle[2]:.1f} "
            f"| {cpu:.2f} |"
        )


def main(rounds: int = 3, seconds: int = 3, other: str = "") -> None:
    """Print the table, and the memory of each server at rest and afterwards."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk")
    with ExitStack() as stack:
        ports = [free_port() for _ in range(4)]
        commands = {
            FLOOR: plain(ports[0], "bare"),
            "evolink-mock": mock(ports[1]),
            "evolink-mock --no-fast-lane": mock(ports[2], "--no-fast-lane"),
        }
        if other:
            program = str(Path(other) / ".venv" / "bin" / "evolink-mock")
            commands["the other checkout"] = [program, "serve", "--port", str(ports[3])]
        servers = [
            start(stack, name, command, port)
            for (name, command), port in zip(commands.items(), ports, strict=False)
        ]
        rest = [resident_mib(server.pids[0]) for server in servers]
        show(measure(servers, rounds, seconds))
        for server, before in zip(servers, rest, strict=True):
            after = resident_mib(server.pids[0])
            print(f"{server.name}: {before:.0f} MiB at rest, {after:.0f} MiB afterwards")


if __name__ == "__main__":
    words = [*sys.argv[1:], *("3", "3", "")[len(sys.argv) - 1 :]]
    main(int(words[0]), int(words[1]), words[2])
