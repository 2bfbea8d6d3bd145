"""What a store in a file or on a server costs: rates relative to memory, two workers, and a million tasks.

    uv run benchmarks/stores.py [ROUNDS] [SECONDS]

Needs wrk, and redis-server or valkey-server. The rows take turns in each round, and the median of the ratios within a
round counts.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.domain import ids
from evolink_mock.domain.accounts import AccountTerms, charge, open_account
from evolink_mock.domain.clock import wall_time
from evolink_mock.domain.tasks import Task, new_timetable
from evolink_mock.domain.units import Speed
from evolink_mock.media.spec import media_spec_of
from evolink_mock.service.store_opening import open_shared
from evolink_mock.stores.records import OperationIndex, encode
from evolink_mock.stores.sqlite.store import SqliteStore
from evolink_spec import load
from measuring.processes import BODY, free_port, mock, redis_server, request, resident_mib, started
from throughput import CREATE, KINDS, PIPELINED, Sample, Server, measure, start

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TASKS = 1_000_000


def rates(rounds: int, seconds: int) -> None:
    """One process with each store on one core; wrk on the other, and the Redis server on either."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = stack.enter_context(redis_server(folder))
        places = {"memory": "memory", "file": f"sqlite:{folder / 'mock.db'}", "redis": engine.url}
        servers = []
        for name, place in places.items():
            port = free_port()
            server = start(stack, name, mock(port, "--quiet", "--store", place), port)
            servers.append(server._replace(engine=engine.pid if name == "redis" else 0))
        samples = measure(servers, rounds, seconds)
        show(samples, "memory", "file")
        show(samples, "memory", "redis")


def workers(rounds: int, seconds: int) -> None:
    """One and two workers over a file, on both cores together with wrk."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for count in (1, 2):
            port = free_port()
            command = mock(
                port, "--quiet", "--store", f"sqlite:{folder / f'{count}.db'}", "--workers", str(count)
            )
            process = stack.enter_context(started(command, port, pin=False))
            answer = request(port, "POST", CREATE, BODY).decode()
            task = re.search(r"task-unified-\d{10}-\w{8}", answer)[0]  # type: ignore[index]
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            pids = (
                process.pid,
                *map(int, children[: count if count > 1 else 0]),
            )  # started before other children
            servers.append(Server(f"{count} workers", (port, port, port), pids, task))
        kinds = (*KINDS[:2], PIPELINED)
        samples = measure(servers, rounds, seconds, kinds)
        show(samples, "1 workers", "2 workers", kinds)
        for kind in kinds:
            show_limits(kind, samples[kind, "1 workers"], samples[kind, "2 workers"])


def show(
    found: dict[tuple[str, str], list[Sample]], base: str, other: str, kinds: Sequence[str] = KINDS[:2]
) -> None:
    """Medians of the ratios within a round, of requests per second and of CPU time per request."""
    for kind in kinds:
        units, samples = found[kind, base], found[kind, other]
        rate = statistics.median(sample.rate / unit.rate for sample, unit in zip(samples, units, strict=True))
        cpu = statistics.median(unit.cpu / sample.cpu for sample, unit in zip(samples, units, strict=True))
        numbers = [statistics.median(sample.cpu for sample in row) for row in (units, samples)]
        engine = statistics.median(sample.engine for sample in samples)
        print(
            f"{kind}: {other} against {base}: {rate:.2f} of the rate, {cpu:.2f} by CPU time "
            f"({numbers[0]:.0f} µs, {numbers[1]:.0f} µs, and {engine:.0f} µs of the engine)"
        )


def show_limits(kind: str, one: list[Sample], two: list[Sample]) -> None:
    """The rates that the CPU time of two workers allows, relative to one: without wrk, and beside it on two cores."""
    pairs = list(zip(one, two, strict=True))
    free = statistics.median(2 * unit.cpu / sample.cpu for unit, sample in pairs)
    most = statistics.median(2 * unit.cpu / (sample.cpu + sample.generator) for unit, sample in pairs)
    wrk = statistics.median(sample.generator for sample in two)
    print(
        f"{kind}: at most {free:.2f} on two free cores, and {most:.2f} beside wrk, which takes {wrk:.1f} µs"
    )


def million() -> None:
    """The first answer and the memory of a process with so many tasks in its store."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = stack.enter_context(redis_server(folder))
        for kind, full, empty in (
            ("file", f"sqlite:{folder / 'full.db'}", f"sqlite:{folder / 'empty.db'}"),
            ("redis", engine.url, f"{engine.url}?prefix=empty:"),
        ):
            before = resident_mib(engine.pid)
            last = fill(full)
            size = (folder / "full.db").stat().st_size if kind == "file" else 0
            size = size or int((resident_mib(engine.pid) - before) * 2**20)
            print(f"{kind}: {TASKS:,} tasks in {size / TASKS:.0f} bytes each")
            for name, place in (("empty", empty), ("full", full)) * 3:
                print(f"{kind}, {name}: {first_answer(place, last)}")


def first_answer(place: str, task: str) -> str:
    """The time to the first answer, and the memory after 2,000 more."""
    port = free_port()
    began = time.perf_counter()
    with started(mock(port, "--quiet", "--store", place), port) as process:
        request(port, "GET", f"/v1/tasks/{task}")
        took = time.perf_counter() - began
        for _ in range(2000):
            request(port, "GET", f"/v1/tasks/{task}")
        return f"first answer after {took * 1000:.0f} ms, {resident_mib(process.pid):.0f} MiB"


def fill(place: str) -> str:
    """Store so many tasks of one account; returns the id of the last one."""
    spec = load()
    operation = next(operation for by_model in spec.creates.values() for operation in by_model.values())
    operations, terms = OperationIndex(spec), AccountTerms(1, 10**12)
    store = open_shared(place, operations, terms)
    account, media = open_account("benchmark", terms), media_spec_of({}, operation.medium, 0)
    now = wall_time()

    def tasks() -> Iterator[Task]:
        for _ in range(TASKS):
            random = ids.task_random(account.first_random, account.task_count)
            timetable = new_timetable(now, random, Speed(5.0, 5.0))
            task_id = ids.task_id(int(now) - account.task_count // 1000, random)
            task = Task(task_id, account.token, operation, "model", media, "http://127.0.0.1:8080", timetable)
            charge(account, task, 5)
            yield task

    if isinstance(store, SqliteStore):
        rows = ((task.id, 1, account.task_count, operations.encode(task)) for task in tasks())
        with store.connection.transaction() as database:
            database.executemany("INSERT INTO tasks VALUES (?, ?, ?, ?)", rows)
            database.execute(
                "INSERT INTO accounts (id, token, data, used_at) VALUES (1, ?, ?, ?)",
                (account.token, encode(account), now),
            )
    else:
        all_tasks, key = tasks(), store.connection.key(f"tasks:{account.token}")
        while batch := [*islice(all_tasks, 1000)]:
            pairs = [item for task in batch for item in (task.id, store.changes.encode_task(task))]
            names = [task.id for task in batch]
            store.connection.pipeline((("HSET", store.changes.tasks, *pairs), ("RPUSH", key, *names)))
        values = (account.token, "", encode(account), now, *[""] * 8)
        store.connection.write("change", *values)
    store.close()
    random = ids.task_random(account.first_random, TASKS - 1)
    return ids.task_id(int(now) - (TASKS - 1) // 1000, random)


def main(rounds: int = 5, seconds: int = 3) -> None:
    rates(rounds, seconds)
    workers(rounds, seconds)
    million()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
