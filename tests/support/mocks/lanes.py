"""A mock whose connections a test plays, without sockets, and the requests that it sends on them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from evolink_mock.control.journal_json import entry, redactor_of
from evolink_mock.domain.clock import VirtualClock
from evolink_mock.http.access_log import format_line
from evolink_mock.server.app import create_app
from evolink_mock.server.fast_lane import fast_lane
from evolink_mock.server.fast_protocol import FastProtocol
from evolink_mock.server.server import uvicorn_config
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from uvicorn.server import ServerState

from support.mocks.in_process import BODY, CREATE, SPEC, START
from support.mocks.stores import result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.server.protocol import Protocol

DATE = [(b"date", b"Sat, 06 Sep 2025 14:42:23 GMT")]
QUERY = "/v1/tasks/"


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8080), "peername": ("127.0.0.1", 50000)})
        self.written: list[bytes] = []
        self.closed = False
        self.ended = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True
        self.ended.set()

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass
class Server:
    """A mock with one client after the other; `lanes` counts the requests that took the lane."""

    is_fast: bool
    settings: dict[str, Any] = field(default_factory=dict)
    lanes: int = 0
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(START)
        settings = Settings(seed=7, no_fast_lane=not self.is_fast, **self.settings)
        self.service = Service(SPEC, settings, self.clock)
        app = create_app(self.service, self._log)
        self.lane = fast_lane(app, self.service)
        assert (self.lane is not None) == self.is_fast
        self.config = uvicorn_config(app, self.lane)
        self.config.load()
        self.state = ServerState()
        self.state.default_headers = DATE

    def _log(self, exchange: Exchange) -> None:
        line = format_line(exchange, exchange.began, "14:42:23")
        self.lines.append(line)

    def connect(self) -> tuple[Protocol, Wire]:
        loop = asyncio.get_running_loop()
        create_protocol: Any = self.config.http_protocol_class
        protocol: Protocol = create_protocol(
            config=self.config, server_state=self.state, app_state={}, _loop=loop
        )
        if isinstance(protocol, FastProtocol):
            respond = protocol.respond

            def count(response: bytes) -> None:
                self.lanes += 1
                respond(response)

            protocol.respond = count  # type: ignore[method-assign]
        wire = Wire()
        protocol.connection_made(wire)
        return protocol, wire

    async def exchange(self, *parts: bytes) -> tuple[bytes, int]:
        """The bytes that answer these parts, sent on one connection, and the number of writes."""
        protocol, wire = self.connect()
        for part in parts:
            if not wire.closed:
                protocol.data_received(part)
                for _ in range(3):
                    await asyncio.sleep(0)
                while is_waiting(protocol):  # noqa: ASYNC110  (a turn of the event loop serves the next one)
                    await asyncio.sleep(0)
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
        protocol.connection_lost(None)
        return b"".join(wire.written), len(wire.written)

    def remembered(self) -> dict[str, Any]:
        """Everything that the requests have left behind: the log, and the fields of each account."""
        accounts = result(self.service.store.accounts())
        kept: dict[str, Any] = {"lines": self.lines}
        for account in (self.service.anonymous, *accounts):
            fields = msgspec.structs.asdict(account)
            journal = result(self.service.store.journal(account.token))
            redactor = redactor_of(journal)
            fields["exchanges"] = [
                {**entry(exchange, redactor), "at": round(exchange.at)} for exchange in journal
            ]
            fields["bodies"] = [exchange.request_body for exchange in journal]
            fields["violations"] = list(journal.violations)
            fields["tasks"] = [task.id for task in result(self.service.store.tasks(account.token))]
            kept |= {f"{account.token}: {name}": value for name, value in fields.items()}
        return kept


def is_waiting(protocol: Protocol) -> bool:
    """Whether data of a connection waits for the next batch."""
    batch = getattr(protocol, "batched_lane", None)
    return batch is not None and batch.has(protocol)


def head(method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def request(
    method: str = "GET",
    path: str = "/v1/credits",
    body: Any = None,
    token: str | None = "key",
    **headers: str,
) -> bytes:
    """A request with the usual headers."""
    fields = [("Host", "mock:8080"), ("accept-encoding", "gzip, br")]
    fields += [("Authorization", f"Bearer {token}")] if token is not None else []
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if method == "POST":
        fields.append(("Content-Length", str(len(raw))))
        fields += [] if "content_type" in headers else [("Content-Type", "application/json")]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return head(method, path, fields, raw)


def create(changes: dict[str, Any] | None = None, **named: Any) -> bytes:
    """A create request."""
    return request("POST", CREATE, {**BODY, **(changes or {})}, **named)
