"""A mock of 136 documents beside the built-in one alone: the start, the memory at rest, the speed of polls.

    uv run benchmarks/family.py [ROUNDS]

The documents are synthetic, of some 25 kB each. Time is the processor time of the whole process, because a busy machine
distorts any other: until the first 200, and for a number of polls after it.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measuring.processes import BODY, ENVIRONMENT, free_port, mock, request, resident_mib, started
from support.records import family_documents

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

DOCUMENTS = 136
POLLS = 2000


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def ready(options: list[str]) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """A mock that has answered: its port, its process, and the seconds on the clock until then."""
    port = free_port()
    began = time.perf_counter()
    with started([*mock(port), *options], port) as process:
        answer = request(port, "GET", "/v1/credits")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"no success: {answer!r}")
        yield port, process, time.perf_counter() - began


def measure(options: list[str]) -> dict[str, float]:
    """One start, its memory, and its polls."""
    with ready(options) as (port, process, elapsed):
        used = processor_seconds(process)
        answer = request(port, "POST", "/v1/videos/generations", BODY)
        task = json.loads(answer.rpartition(b"\r\n")[2])["id"]
        before = processor_seconds(process)
        for _ in range(POLLS):
            request(port, "GET", f"/v1/tasks/{task}")
        polls = processor_seconds(process) - before
        return {
            "start, processor s": used,
            "start, elapsed s": elapsed,
            "resident MiB": resident_mib(process.pid),
            "poll, processor µs": polls / POLLS * 1e6,
        }


def main(rounds: int = 5) -> None:
    """Print the medians, and how many times those of the built-in document they are."""
    with tempfile.TemporaryDirectory() as folder:
        ENVIRONMENT["XDG_CACHE_HOME"] = folder  # nothing has been read before
        pages = family_documents.save(Path(folder) / "pages", family_documents.many(DOCUMENTS))
        many = ["--spec", str(pages)]
        began = measure(many)
        print(f"first start, nothing cached: {began['start, processor s']:.2f} s of processor time")
        pairs = [(measure([]), measure(many)) for _ in range(rounds)]
    for name in pairs[0][0]:
        one, all_ = (statistics.median(pair[side][name] for pair in pairs) for side in (0, 1))
        print(
            f"{name:22} built in alone {one:8.2f}   {DOCUMENTS} documents {all_:8.2f}   {all_ / one:5.2f} times"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
