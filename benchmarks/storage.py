"""Bytes a task, and the latency of a poll and a create with 10³ to 10⁶ tasks stored. In process, no socket.

uv run benchmarks/storage.py
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.server.app import create_app
from evolink_mock.server.server import freeze_memory
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from evolink_spec import load
from measuring.processes import BODY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

HEADERS = [
    (b"host", b"127.0.0.1"),
    (b"authorization", b"Bearer benchmark"),
    (b"content-type", b"application/json"),
]


def resident() -> int:
    """Resident bytes of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def ask(app: ASGIApp, method: str, path: str) -> bytes:
    """One exchange through the ASGI interface."""
    body = b""

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY.encode(), "more_body": False}

    async def send(message: Message) -> None:
        nonlocal body
        body = message.get("body", body)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": HEADERS,
        "scheme": "http",
        "query_string": b"",
    }
    await app(scope, receive, send)
    return body


async def latencies(app: ASGIApp, method: str, path: str, count: int) -> tuple[float, float, float]:
    """Median, 99.9th percentile and the slowest of `count` exchanges, in microseconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await ask(app, method, path)
        took.append((time.perf_counter() - began) * 1e6)
    took.sort()
    return took[count // 2], took[int(count * 0.999)], took[-1]


async def main() -> None:
    """Print a row for each size."""
    app = create_app(Service(load(), Settings()))
    first = (await ask(app, "POST", "/v1/videos/generations")).split(b'"id":"')[1].split(b'"')[0].decode()
    freeze_memory()
    before, stored = resident(), 1
    print(
        "| tasks stored | bytes a task | poll: median, 99.9 %, slowest (µs) | create: median, 99.9 %, slowest (µs) |"
    )
    print("| ---: | ---: | ---: | ---: |")
    for size in (1_000, 10_000, 100_000, 1_000_000):
        while stored < size:
            await ask(app, "POST", "/v1/videos/generations")
            stored += 1
        gc.collect()
        each = (resident() - before) / stored
        poll = await latencies(app, "GET", f"/v1/tasks/{first}", 20_000)
        create = await latencies(app, "POST", "/v1/videos/generations", 20_000)
        stored += 20_000
        shown = [", ".join(f"{value:.0f}" for value in values) for values in (poll, create)]
        print(f"| {size:,} | {each:.0f} | {shown[0]} | {shown[1]} |")


if __name__ == "__main__":
    asyncio.run(main())
