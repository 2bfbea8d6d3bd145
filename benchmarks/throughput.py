"""Requests a second of create and poll, in units of a trivial Starlette route, all in one run.

    uv run benchmarks/throughput.py [ROUNDS] [SECONDS]

Needs wrk (Debian: apt-get install wrk). Server on one core, wrk (1 thread, 16 connections) on the other; the
rows take turns in each round and the median counts, so that a slow minute of the machine hits them all.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from processes import BODY, CLIENT_CORE, free_port, mock, pinned, plain, request, started

POST = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [=[{}]=]
"""
AUTHORIZATION = ("-H", "Authorization: Bearer benchmark")


def requests_per_second(seconds: int, *arguments: str) -> float:
    """One run of wrk; SystemExit when anything but 2xx came back."""
    command = pinned(CLIENT_CORE, ["wrk", "-t1", "-c16", f"-d{seconds}", *arguments])
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"not every answer was a success:\n{output}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1])  # type: ignore[index]


def main(rounds: int = 5, seconds: int = 5) -> None:
    """Print the table."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk")
    with ExitStack() as stack:
        ports = [free_port() for _ in range(3)]
        for port, command in zip(
            ports, (plain(ports[0], "app"), plain(ports[1], "bare"), mock(ports[2])), strict=True
        ):
            stack.enter_context(started(command, port))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "post.lua").write_text(POST.format(BODY))
        post = ("-s", str(folder / "post.lua"), *AUTHORIZATION)
        answer = request(ports[2], "POST", "/v1/videos/generations", BODY).decode()
        task = re.search(r"task-unified-\d{10}-\w{8}", answer)[0]  # type: ignore[index]
        base, bare, served = (f"http://127.0.0.1:{port}" for port in ports)
        rows = {
            "trivial Starlette route": (f"{base}/",),
            "bare ASGI, GET": (*AUTHORIZATION, f"{bare}/v1/tasks/{task}"),
            "bare ASGI, POST": (*post, f"{bare}/v1/videos/generations"),
            "poll": (*AUTHORIZATION, f"{served}/v1/tasks/{task}"),
            "create": (*post, f"{served}/v1/videos/generations"),
        }
        show(measure(rows, rounds, seconds))


def measure(rows: dict[str, tuple[str, ...]], rounds: int, seconds: int) -> dict[str, list[float]]:
    """Requests per second of each row in each round, after one round that warms up."""
    found: dict[str, list[float]] = {name: [] for name in rows}
    for turn in range(rounds + 1):
        for name, arguments in rows.items():
            rate = requests_per_second(seconds if turn else 1, *arguments)
            if turn:
                found[name].append(rate)
    return found


def show(found: dict[str, list[float]]) -> None:
    """The table: median of the rates, median of the ratio within each round, and its spread."""
    unit = next(iter(found.values()))
    print(
        f"| {'':<24} | requests/s | of the trivial route | lowest to highest |\n| --- | ---: | ---: | ---: |"
    )
    for name, rates in found.items():
        ratios = [rate / one for rate, one in zip(rates, unit, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"| {name:<24} | {statistics.median(rates):>10,.0f} | {statistics.median(ratios):>20.2f} | {spread:>17} |"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
