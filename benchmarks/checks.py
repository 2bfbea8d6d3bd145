"""How long a check takes: `evolink-check api` in each way, and the battery of `evolink-check client`.

    uv run benchmarks/checks.py [ROUNDS]

The unit is a plain httpx2 client that asks the same mock as often, in as many threads, in the same round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from measuring.processes import beside_python, free_port, mock, started

JOBS = 4  # of a quick run
CLIENT = Path(__file__).parents[1] / "examples" / "clients" / "httpx_sync.py"
KNOWN = """
[[failing]]
code = "service_error"
fields = {{prompt = "[[fail=service_error@40]] A dance"}}
[callbacks]
url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
[clock]
advance_url = "{url}/__mock__/clock/advance"
"""
WAYS: dict[str, tuple[str, ...]] = {
    "without a budget": (),
    "with a budget": ("--max-credits", "150"),
    "with callbacks, failures and a clock": ("--max-credits", "150", "--config", "known.toml"),
}


def check(url: str, folder: str, options: tuple[str, ...]) -> dict[str, Any]:
    """One run of the command; its report, with the seconds of the whole process."""
    command = [
        beside_python("evolink-check"),
        "api",
        url,
        "--any-key",
        "--no-memory",
        "--json",
        "r.json",
        *options,
    ]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"it found something: {done.stdout}{done.stderr}")
    report: dict[str, Any] = json.loads((Path(folder) / "r.json").read_text(encoding="utf-8"))
    return {**report, "took": time.perf_counter() - began}


def plain(url: str, number: int) -> float:
    """Seconds for so many requests of a plain client."""
    headers = {"Authorization": "Bearer benchmark"}
    with (
        httpx2.Client(base_url=url, headers=headers, trust_env=False) as client,
        ThreadPoolExecutor(JOBS) as pool,
    ):
        began = time.perf_counter()
        list(pool.map(lambda _: client.get("/v1/credits").raise_for_status(), range(number)))
        return time.perf_counter() - began


def runs(way: str, options: tuple[str, ...], rounds: int) -> None:
    """Print what a quick run of one way takes."""
    took, unit, report = [], [], {}
    for _ in range(rounds):
        port, hooks = free_port(), free_port()
        url = f"http://127.0.0.1:{port}"
        allowed = ("--allow-callbacks-to", f"127.0.0.1:{hooks}")
        with started(mock(port, "--duration", "1s", *allowed), port), TemporaryDirectory() as folder:
            (Path(folder) / "known.toml").write_text(KNOWN.format(port=hooks, url=url), encoding="utf-8")
            report = check(url, folder, options)
            took.append(report["took"])
            unit.append(plain(url, report["exchanges"]))
    told = f"{report['exchanges']} exchanges, {report['created']} tasks, {report['counts']}"
    print(f"quick, {way}: {spread(took)}; as many plain requests: {spread(unit)}; {told}", flush=True)


def spread(seconds: list[float]) -> str:
    """The median, and the lowest and highest."""
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


def battery(rounds: int) -> None:
    """Print what all scenarios take, for a client that polls every second."""
    told = ("--prompt", "{prompt}", "--image-url", "{image_url}", "--output", "{output}", "--interval", "1")
    command = [
        *(beside_python("evolink-check"), "client", "--jobs", "8", "--deadline", "10", "--"),
        *(sys.executable, str(CLIENT), *told, "--deadline", "10"),
    ]
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        if done.returncode:
            raise SystemExit(f"it found something: {done.stdout}{done.stderr}")
        took.append(time.perf_counter() - began)
    print(f"client, --jobs 8, a query a second: {spread(took)}")


def main(rounds: int = 3) -> None:
    """Every way after the other."""
    for way, options in WAYS.items():
        runs(way, options, rounds)
    battery(rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
