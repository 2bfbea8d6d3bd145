"""How long until the mock is of use: cold start to the first 200, the first refusal, and the memory at rest.

    uv run benchmarks/startup.py [ROUNDS]

Bare uvicorn with a trivial Starlette app is measured in the same rounds.
"""

from __future__ import annotations

import statistics
import sys
import time

from measuring.processes import BODY, free_port, mock, plain, request, resident_mib, started


def cold(command: list[str], port: int, path: str) -> float:
    """Seconds from the start of the process to the end of its first 200."""
    began = time.perf_counter()
    with started(command, port):
        answer = request(port, "GET", path)
        took = time.perf_counter() - began
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"no success: {answer!r}")
    return took


def first_refusal() -> tuple[float, float, float]:
    """Seconds of the first refused create of a fresh server and of a later one, and MiB resident at rest."""
    port = free_port()
    bad = BODY.replace('"duration":6', '"duration":7')
    with started(mock(port), port) as process:
        request(port, "GET", "/v1/credits")
        resident = resident_mib(process.pid)
        took = []
        for _ in range(20):
            began = time.perf_counter()
            answer = request(port, "POST", "/v1/videos/generations", bad)
            took.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 400"):
                raise SystemExit(f"not refused: {answer!r}")
        return took[0], statistics.median(took), resident


def main(rounds: int = 10) -> None:
    """Print the numbers; the first round only fills the caches of the machine."""
    bare, full = [], []
    for turn in range(rounds + 1):
        port = free_port()
        times = cold(plain(port, "app"), port, "/"), cold(mock(port := free_port()), port, "/v1/credits")
        if turn:
            bare.append(times[0])
            full.append(times[1])
    first, later, resident = first_refusal()
    for name, taken in (
        ("bare uvicorn, start to first 200", bare),
        ("evolink-mock, start to first 200", full),
    ):
        low, middle, high = (of(taken) * 1000 for of in (min, statistics.median, max))
        print(f"{name}: median {middle:.0f} ms, {low:.0f} to {high:.0f}")
    print(f"first refused request: {first * 1000:.1f} ms; later ones: {later * 1000:.1f} ms")
    print(f"resident at rest: {resident:.0f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
