"""What one open page of the console costs the mock, and how long the page takes from an input to the next paint.

    uv run --group dev benchmarks/console.py [ROUNDS] [SECONDS]

Needs wrk and Chromium (Debian: apt-get install wrk chromium). The server has one core; the load and the browser share
the other one. Rounds with the live page open alternate with rounds without it. In both, the same 1,000 queries a second
are sent, so the CPU time of the server per query can be compared even though the browser slows the load down. Then
wrk measures the queries a second at full speed, again in turns.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from measuring.processes import BODY, CLIENT_CORE, free_port, mock, pinned, request, started
from playwright.sync_api import sync_playwright
from throughput import AUTHORIZATION, CREATE, cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

KEY = "key-of-the-console"
RATE = 1000
CONNECTIONS = 8
TICK = 0.008  # seconds; each connection sends a query per tick
INPUTS = 20
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
INPUT_TO_PAINT = """() => new Promise(resolve => {
    const field = document.querySelector('input[name=path]');
    const start = performance.now();
    field.value = field.value ? '' : '/v1';
    field.dispatchEvent(new Event('input', {bubbles: true}));
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start), 0));
})"""


async def _send(port: int, task: str, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /v1/tasks/{task} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer benchmark\r\n\r\n".encode()
    count, due = 0, time.monotonic()
    while due < until:
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", answer)
        assert length is not None
        await reader.readexactly(int(length[1]))
        count, due = count + 1, due + TICK
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    writer.close()
    return count


def steady_load(port: int, task: str, seconds: float) -> int:
    """Send `RATE` queries a second. Return how many were answered."""

    async def send_all() -> int:
        until = time.monotonic() + seconds
        return sum(await asyncio.gather(*(_send(port, task, until) for _ in range(CONNECTIONS))))

    with ThreadPoolExecutor(1) as pool:  # playwright has a loop in this thread
        return pool.submit(lambda: asyncio.run(send_all())).result()


@contextmanager
def live_page(browser: Browser, port: int) -> Iterator[Page]:
    """The live page of the console, which has begun to follow the requests."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"http://127.0.0.1:{port}/__mock__/ui?key={KEY}")
    page.goto(f"http://127.0.0.1:{port}/__mock__/ui/live")
    page.wait_for_timeout(1000)
    try:
        yield page
    finally:
        page.close()


def cpu_per_query(pid: int, port: int, task: str, seconds: float) -> tuple[float, float]:
    """The CPU time of the server per query in µs, and the queries a second that were sent."""
    before = cpu_seconds(pid)
    count = steady_load(port, task, seconds)
    return (cpu_seconds(pid) - before) / count * 1e6, count / seconds


def full_speed(pid: int, port: int, task: str, seconds: int) -> tuple[float, float]:
    """Queries a second of wrk, and the CPU time of the server per query in µs."""
    target = f"http://127.0.0.1:{port}/v1/tasks/{task}"
    command = ["wrk", "-t1", "-c16", f"-d{seconds}", *AUTHORIZATION, target]
    before = cpu_seconds(pid)
    output = subprocess.run(pinned(CLIENT_CORE, command), check=True, capture_output=True, text=True).stdout
    count = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
    return count / seconds, (cpu_seconds(pid) - before) / count * 1e6


def inputs(page: Page, port: int, task: str) -> list[float]:
    """Milliseconds from an input in the filter to the next paint, while the load runs."""
    load = threading.Thread(target=steady_load, args=(port, task, 0.3 * INPUTS + 2))
    load.start()
    page.wait_for_timeout(1500)
    times = []
    for _ in range(INPUTS):
        times.append(page.evaluate(INPUT_TO_PAINT))
        page.wait_for_timeout(200)
    load.join()
    return sorted(times)


def main(rounds: int = 5, seconds: int = 4) -> None:
    """Print the medians of the rounds and of their ratios."""
    port = free_port()
    steady: list[tuple[float, float]] = []
    fast: list[tuple[float, float, float, float]] = []
    with started(mock(port, "--ui-key", KEY), port) as process, sync_playwright() as playwright:
        task = re.search(r"task-unified-\d{10}-\w{8}", request(port, "POST", CREATE, BODY).decode())[0]  # type: ignore[index]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        steady_load(port, task, 1)
        for _ in range(rounds):
            closed, _ = cpu_per_query(process.pid, port, task, seconds)
            closed_rate, closed_cpu = full_speed(process.pid, port, task, seconds)
            with live_page(browser, port):
                opened, _ = cpu_per_query(process.pid, port, task, seconds)
                opened_rate, opened_cpu = full_speed(process.pid, port, task, seconds)
            steady.append((closed, opened))
            fast.append((closed_rate, opened_rate, closed_cpu, opened_cpu))
        with live_page(browser, port) as page:
            times = inputs(page, port, task)
        browser.close()
    _show(steady, fast, times)


def _show(
    steady: list[tuple[float, float]], fast: list[tuple[float, float, float, float]], times: list[float]
) -> None:
    ratio = statistics.median(opened / closed for closed, opened in steady)
    before, after = (statistics.median(values) for values in zip(*steady, strict=True))
    print(
        f"{RATE} queries a second: {before:.1f} µs of CPU per query without a page, {after:.1f} with one ({ratio:.2f})"
    )
    rates = [statistics.median(values) for values in zip(*fast, strict=True)]
    share = statistics.median(opened / closed for closed, opened, *_ in fast)
    cost = statistics.median(opened / closed for *_, closed, opened in fast)
    print(
        f"full speed: {rates[0]:,.0f} queries a second without a page, {rates[1]:,.0f} with one ({share:.2f});"
    )
    print(f"    {rates[2]:.1f} and {rates[3]:.1f} µs of CPU per query ({cost:.2f})")
    print(f"input to paint: median {statistics.median(times):.0f} ms, slowest {times[-1]:.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
