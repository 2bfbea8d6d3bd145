"""Kill workers at random instants under load, and count what is lost or doubled.

    uv run benchmarks/crash.py [ROUNDS] [--store sqlite|redis]

Two workers over one SQLite file, or over a Redis or Valkey server, serve creates with callbacks. In each round one of
them, or in every tenth round the whole mock, is killed with SIGKILL. Exits with status 1 if a confirmed task is
missing, if a task or a charge is doubled, if a callback never arrives, or if an attempt is made twice without being
marked as a repetition.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
from measuring.processes import ENVIRONMENT, free_port, mock, redis_server

BODY = {
    "model": "grok-imagine-image-to-video-beta",
    "prompt": "The person starts dancing",
    "image_urls": ["https://example.com/image.jpg"],
}
PRICE = 5
KEY = {"authorization": "Bearer crash"}
CLIENTS = 8
ROUND_SECONDS = (0.05, 0.4)  # from one kill to the next, besides the start of another process
MOCK_EVERY = 10  # rounds, or at the end of fewer: then the whole mock is killed and started again
PATIENCE = 90.0  # seconds for the last callbacks to arrive


class Receiver:
    """Answers callbacks after some milliseconds, so that many are in progress, and counts them by task."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    async def start(self) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = server
        return int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(
                next(line for line in head.split(b"\r\n") if b"ontent-" in line and b"ength" in line).split(
                    b":"
                )[1]
            )
            task = json.loads(await reader.readexactly(length))
            self.calls[task["id"]] += 1
            await asyncio.sleep(random.random() * 0.03)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


class Mock:
    """The mock in a process group of its own."""

    def __init__(self, store: str, port: int, receiver: int) -> None:
        options = (
            *("--quiet", "--store", store, "--workers", "2", "--duration", "300ms"),
            *("--allow-callbacks-to", f"127.0.0.1:{receiver}"),
        )
        self._command = mock(port, *options)
        self.url = f"http://127.0.0.1:{port}"

    async def start(self) -> None:
        self._process = await asyncio.to_thread(self._start)
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        assert line, "it does not start"

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def kill_worker(self) -> None:
        os.kill(random.choice(self.workers()), signal.SIGKILL)

    async def kill(self) -> None:
        """Kill the parent; its workers notice that and end."""
        pids = [*self.workers(), self._process.pid]
        random.shuffle(pids)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.wait)

    async def stop(self) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.communicate)


class Load:
    """Clients that create tasks without a pause, and what they know of them."""

    def __init__(self, url: str, receiver: int) -> None:
        self._url = url
        self._callback = f"http://127.0.0.1:{receiver}/hook"
        self.confirmed: list[str] = []
        self.unknown = 0  # requests without a response
        self.refused: Counter[int] = Counter()
        self._stop = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    def stop(self) -> None:
        self._stop = True

    async def _client(self) -> None:
        while not self._stop:
            async with httpx2.AsyncClient(base_url=self._url, headers=KEY, timeout=10) as client:
                with suppress(httpx2.TransportError):
                    while not self._stop:
                        await self._create(client)
            await asyncio.sleep(0.02)

    async def _create(self, client: httpx2.AsyncClient) -> None:
        try:
            answer = await client.post("/v1/videos/generations", json=BODY | {"callback_url": self._callback})
        except httpx2.ConnectError:
            raise
        except httpx2.TransportError:
            self.unknown += 1
            raise
        if answer.status_code == 200:
            self.confirmed.append(answer.json()["id"])
        else:
            self.refused[answer.status_code] += 1
        await asyncio.sleep(0.01)


async def pages(client: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        answer = (await client.get(f"/__mock__/{path}", params={"limit": 1000, "after": after})).json()
        items += answer[path]
        after = answer["next"]
    return items


async def settled(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """The callbacks, once none is owed any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            callbacks = await pages(client, "callbacks")
            if all(callback["state"] != "owed" for callback in callbacks):
                return callbacks
            await asyncio.sleep(0.5)


async def main(rounds: int, store: str) -> int:
    receiver = Receiver()
    port = await receiver.start()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = (
            f"sqlite:{folder / 'mock.db'}"
            if store == "sqlite"
            else stack.enter_context(redis_server(folder)).url
        )
        served = Mock(place, free_port(), port)
        await served.start()
        load = Load(served.url, port)
        clients = asyncio.create_task(load.run())
        for number in range(1, rounds + 1):
            await asyncio.sleep(random.uniform(*ROUND_SECONDS))
            if number % min(MOCK_EVERY, rounds):
                served.kill_worker()
                while len(served.workers()) < 2:  # noqa: ASYNC110  (another process starts it)
                    await asyncio.sleep(0.01)
            else:
                await served.kill()
                await served.start()
        await asyncio.sleep(1)
        load.stop()
        await clients
        async with httpx2.AsyncClient(base_url=served.url, headers=KEY, timeout=60) as client:
            callbacks = await settled(client)
            tasks = [task["id"] for task in await pages(client, "tasks")]
            account = (await client.get("/__mock__/account")).json()
        await served.stop()
    return report(rounds, load, receiver, tasks, callbacks, account)


def report(  # noqa: PLR0913, PLR0917
    rounds: int,
    load: Load,
    receiver: Receiver,
    tasks: list[str],
    callbacks: list[dict[str, Any]],
    account: dict[str, Any],
) -> int:
    attempts = {callback["task_id"]: callback["attempts"] for callback in callbacks}
    repeated = {task: sum(attempt.get("repeated", 0) for attempt in attempts.get(task, ())) for task in tasks}
    unmarked = [task for task in tasks if receiver.calls[task] > len(attempts.get(task, ())) + repeated[task]]
    counts = {
        "kills": rounds,
        "creates confirmed": len(load.confirmed),
        "creates without a response": load.unknown,
        "refused": sum(load.refused.values()),
        "tasks stored": len(tasks),
        "attempts received": sum(receiver.calls.values()),
        "attempts marked as begun before": sum(repeated.values()),
    }
    faults = {
        "confirmed tasks lost": len({*load.confirmed} - {*tasks}),
        "tasks doubled": len(tasks) - len({*tasks}) + len(load.confirmed) - len({*load.confirmed}),
        "tasks that nobody asked for": max(0, len(tasks) - len(load.confirmed) - load.unknown),
        "credits astray": abs(account["used"] - PRICE * len(tasks)),
        "tasks miscounted": abs(account["tasks"] - len(tasks)),
        "callbacks lost": sum(receiver.calls[task] == 0 for task in tasks),
        "callbacks never scheduled": len({*tasks} - {*attempts}),
        "extra attempts that are not marked": len(unmarked),
    }
    for name, count in (counts | faults).items():
        print(f"{name:<36} {count}")
    return 1 if any(faults.values()) or len(load.confirmed) < rounds else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=200)
    parser.add_argument("--store", choices=("sqlite", "redis"), default="sqlite")
    options = parser.parse_args()
    raise SystemExit(asyncio.run(main(options.rounds, options.store)))
