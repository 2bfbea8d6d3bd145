"""CPU time of a request in process: what the protocols of 16 connections do, with their sockets replaced.

    uv run benchmarks/in_process.py [ROUNDS]

The fastest of many short rounds counts, which a busy machine disturbs less than rates over a socket. The time of the
kernel, about as long as that of the bare app, is not included.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import uvicorn
import uvloop
from evolink_mock.http.access_log import AccessLog
from evolink_mock.server.app import create_app
from evolink_mock.server.fast_lane import fast_lane
from evolink_mock.server.server import freeze_memory, uvicorn_config
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from evolink_spec import load
from measuring import baseline
from measuring.processes import BODY
from uvicorn.server import ServerState

CONNECTIONS = 16  # send a request in each turn of the event loop
TURNS = 12  # in a round
CREATE = "/v1/videos/generations"


class Wire:
    """A transport that keeps the last response."""

    def __init__(self) -> None:
        self.written, self.count = b"", 0

    def write(self, data: bytes) -> None:
        self.written, self.count = data, self.count + 1

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 50000)}.get(name, default)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    pause_reading = resume_reading = close


def request(method: str, path: str, body: str = "") -> bytes:
    """A request with the headers that wrk sends."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:8080", "Authorization: Bearer benchmark"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


async def microseconds(config: uvicorn.Config, data: bytes, rounds: int) -> tuple[float, bytes]:
    """CPU time per request, and the last response."""
    state = ServerState()
    state.default_headers = [(b"date", b"Sat, 06 Sep 2025 14:42:23 GMT")]
    create: Any = config.http_protocol_class
    connections = []
    for _ in range(CONNECTIONS):
        protocol = create(config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop())
        protocol.connection_made(wire := Wire())
        connections.append(protocol)
    taken = []
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(TURNS):
            before = wire.count
            for protocol in connections:
                protocol.data_received(data)
            while wire.count == before:  # noqa: ASYNC110  (turns of the event loop are measured)
                await asyncio.sleep(0)
        taken.append((time.thread_time() - began) / TURNS / CONNECTIONS * 1e6)
    return min(taken), wire.written


def configurations() -> dict[str, uvicorn.Config]:
    """The bare app, the mock, and the mock without its fast lane."""
    bare = uvicorn.Config(baseline.bare, http="httptools", ws="none", log_config=None, access_log=False)
    found = {"bare ASGI app": bare}
    for name, is_off in (("evolink-mock", False), ("evolink-mock --no-fast-lane", True)):
        service = Service(load(), Settings(no_fast_lane=is_off))
        app = create_app(service, AccessLog(lambda _: None, colour=False))
        found[name] = uvicorn_config(app, fast_lane(app, service))
    for config in found.values():
        config.load()
    return found


async def main(rounds: int = 100) -> None:
    """Print the table."""
    freeze_memory()
    print("| µs | create | query | refused create |\n| --- | ---: | ---: | ---: |")
    for name, config in configurations().items():
        created, response = await microseconds(config, request("POST", CREATE, BODY), rounds)
        task = response.partition(b'"id":"')[2][:32].decode()
        queried, _ = await microseconds(config, request("GET", f"/v1/tasks/{task}"), rounds)
        bad = BODY.replace('"duration":6', '"duration":7')
        refused, _ = await microseconds(config, request("POST", CREATE, bad), rounds)
        print(f"| {name} | {created:.1f} | {queried:.1f} | {refused:.1f} |")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*map(int, sys.argv[1:2])))
