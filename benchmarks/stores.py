"""What a store in a file costs: rates relative to memory, two workers, and a million tasks.

    uv run benchmarks/stores.py [ROUNDS] [SECONDS]

Needs wrk. The rows take turns in each round, and the median of the ratios within a round counts.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.domain import ids
from evolink_mock.domain.accounts import AccountTerms, charge, open_account
from evolink_mock.domain.clock import wall_time
from evolink_mock.domain.tasks import Task, new_timetable
from evolink_mock.domain.units import Speed
from evolink_mock.media.spec import media_spec_of
from evolink_mock.service.state import open_file
from evolink_mock.stores.records import Operations, encode
from evolink_spec import load
from processes import BODY, free_port, mock, request, resident_mib, started
from throughput import AUTHORIZATION, POST, measure, requests_per_second

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS = 1_000_000


def rates(rounds: int, seconds: int) -> None:
    """One process, memory and file, server on one core and wrk on the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "post.lua").write_text(POST.format(BODY))
        rows: dict[str, tuple[str, ...]] = {}
        for name, options in (("memory", ()), ("sqlite", ("--store", f"sqlite:{folder / 'mock.db'}"))):
            port = free_port()
            stack.enter_context(started(mock(port, "--quiet", *options), port))
            rows |= rows_of(name, port, folder)
        found = measure(rows, rounds, seconds)
    show(found, "create", ("memory", "sqlite"))
    show(found, "poll", ("memory", "sqlite"))


def costs(rounds: int, seconds: int) -> None:
    """Processor time of the server for each request: on a busy machine, too."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "post.lua").write_text(POST.format(BODY))
        servers = {}
        for name, options in (("memory", ()), ("sqlite", ("--store", f"sqlite:{folder / 'mock.db'}"))):
            port = free_port()
            process = stack.enter_context(started(mock(port, "--quiet", *options), port))
            servers[name] = process.pid, rows_of(name, port, folder)
        for row in ("create", "poll"):
            found: dict[str, list[float]] = {name: [] for name in servers}
            for turn in range(rounds + 1):
                for name, (pid, rows) in servers.items():
                    before = processor_seconds(pid)
                    rate = requests_per_second(seconds, *rows[f"{name} {row}"])
                    if turn:
                        found[name].append((processor_seconds(pid) - before) / (rate * seconds))
            memory, file = (statistics.median(found[name]) * 1e6 for name in servers)
            print(f"{row}: {memory:.0f} µs in memory, {file:.0f} µs in a file: {memory / file:.2f}")


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def workers(rounds: int, seconds: int) -> None:
    """One and two workers over a file, on both cores together with wrk."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "post.lua").write_text(POST.format(BODY))
        rows: dict[str, tuple[str, ...]] = {}
        for count in (1, 2):
            port = free_port()
            store = f"sqlite:{folder / f'{count}.db'}"
            command = mock(port, "--quiet", "--store", store, "--workers", str(count))
            stack.enter_context(started(command, port, pin=False))
            rows |= rows_of(str(count), port, folder)
        found = measure(rows, rounds, seconds)
    show(found, "create", ("1", "2"))
    show(found, "poll", ("1", "2"))


def rows_of(name: str, port: int, folder: Path) -> dict[str, tuple[str, ...]]:
    answer = request(port, "POST", "/v1/videos/generations", BODY).decode()
    task = re.search(r"task-unified-\d{10}-\w{8}", answer)[0]  # type: ignore[index]
    url = f"http://127.0.0.1:{port}"
    post = ("-s", str(folder / "post.lua"), *AUTHORIZATION)
    return {
        f"{name} create": (*post, f"{url}/v1/videos/generations"),
        f"{name} poll": (*AUTHORIZATION, f"{url}/v1/tasks/{task}"),
    }


def show(found: dict[str, list[float]], row: str, pair: tuple[str, str]) -> None:
    base, other = (found[f"{name} {row}"] for name in pair)
    ratios = [rate / unit for rate, unit in zip(other, base, strict=True)]
    print(
        f"{row} {pair[0]} {statistics.median(base):,.0f}/s, {pair[1]} {statistics.median(other):,.0f}/s: "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def million() -> None:
    """The first answer and the memory of a process with so many tasks in its file."""
    with tempfile.TemporaryDirectory() as name:
        full, empty = Path(name) / "full.db", Path(name) / "empty.db"
        last = fill(full)
        print(f"{TASKS:,} tasks in {full.stat().st_size / TASKS:.0f} bytes each")
        for path in (empty, full, empty, full):
            port = free_port()
            began = time.perf_counter()
            with started(mock(port, "--quiet", "--store", f"sqlite:{path}"), port) as process:
                request(port, "GET", f"/v1/tasks/{last}")
                took = time.perf_counter() - began
                for _ in range(2000):
                    request(port, "GET", f"/v1/tasks/{last}")
                print(
                    f"{path.name}: first answer after {took * 1000:.0f} ms, {resident_mib(process):.0f} MiB"
                )


def fill(path: Path) -> str:
    """Store so many tasks of one account; returns the id of the last one."""
    spec = load()
    operation = next(operation for by_model in spec.creates.values() for operation in by_model.values())
    operations, terms = Operations(spec), AccountTerms(1, 10**12)
    store = open_file(path, operations, terms)
    account, media = open_account("benchmark", terms), media_spec_of({}, operation.medium, 0)
    now = wall_time()

    def rows() -> Iterator[tuple[str, int, int, bytes]]:
        for _ in range(TASKS):
            random = ids.task_random(account.first_random, account.task_count)
            timetable = new_timetable(now, random, Speed(5.0, 5.0))
            task_id = ids.task_id(int(now) - account.task_count // 1000, random)
            task = Task(task_id, account.token, operation, "model", media, "http://127.0.0.1:8080", timetable)
            charge(account, task, 5)
            yield task_id, 1, account.task_count, operations.encode(task)

    with store.connection.transaction() as database:
        database.executemany("INSERT INTO tasks VALUES (?, ?, ?, ?)", rows())
        database.execute(
            "INSERT INTO accounts (id, token, data, used_at) VALUES (1, ?, ?, ?)",
            (account.token, encode(account), now),
        )
        last: str = database.execute("SELECT id FROM tasks WHERE number = ?", (TASKS,)).fetchone()[0]
    store.close()
    return last


def main(rounds: int = 5, seconds: int = 3) -> None:
    costs(rounds, seconds)
    rates(rounds, seconds)
    workers(rounds, seconds)
    million()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
