"""Servers with one defect each: the real mock behind a wrapper that changes one thing of what passes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

import httpx2
import uvicorn
from evolink_mock.domain.clock import SystemClock
from evolink_mock.domain.units import Speed
from evolink_mock.server.app import create_app
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings

from support.mocks.in_process import _start_lifespan
from support.records.trace_builders import CREATE, MODEL, SPEC

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

SCALE = 4.0  # of the server that calls back: its retries and its ten seconds are over soon
ROLES = ("main", "other", "poor", "barred", "hasty")
TASK = "/v1/tasks/"


def key(role: str, place: int) -> str:
    """A key that the servers know; each defect has its own, so that none sees what another did."""
    return f"key-{place:03}-of-{role}-0123456789"


TOKENS = frozenset(key(role, place) for role in ROLES for place in range(300))


@dataclass(frozen=True)
class Call:
    """A request on its way in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    query: bytes = b""

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty when it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def creates(self) -> bool:
        return (self.method, self.path) == ("POST", CREATE)

    @property
    def queries(self) -> bool:
        return self.method == "GET" and self.path.startswith(TASK)

    @property
    def api(self) -> bool:
        return self.path.startswith("/v1/")

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def with_body(self, document: Any) -> Call:
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        return replace(self, body=raw, headers=self.headers | {"content-length": str(len(raw))})

    def with_fields(self, **fields: Any) -> Call:
        """The body with other fields; one that is None is left out."""
        changed = {name: value for name, value in (self.document | fields).items() if value is not None}
        return self.with_body(changed)

    def as_json(self) -> Call:
        return replace(self, headers=self.headers | {"content-type": "application/json"})

    def by(self, token: str) -> Call:
        return replace(self, headers=self.headers | {"authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Reply:
    """An answer on its way out."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def ok(self) -> bool:
        return self.status == 200

    def state(self) -> str:
        return str(self.document.get("status", "")) if self.ok else ""

    def with_json(self, value: Any, status: int | None = None) -> Reply:
        raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
        return replace(
            self,
            status=status or self.status,
            body=raw,
            headers=self.headers | {"content-type": "application/json"},
        )

    def with_fields(self, **fields: Any) -> Reply:
        changed = {name: value for name, value in (self.document | fields).items() if value is not None}
        return self.with_json(changed)

    def with_error(self, **fields: Any) -> Reply:
        return self.with_fields(error=self.document.get("error", {}) | fields)

    def with_header(self, name: str, value: str | None) -> Reply:
        headers = {key: old for key, old in self.headers.items() if key != name}
        return replace(self, headers=headers if value is None else headers | {name: value})


if TYPE_CHECKING:
    Ask = Callable[[Call], Awaitable[Reply]]
    Handle = Callable[[Call, Ask], Awaitable[Reply]]


@dataclass(frozen=True)
class Defect:
    """One thing that a server does wrong, and the clause that it breaks.

    `handle` gets each request and a way to ask the correct server. `make` builds one with a memory of its own.
    `scaled`: on a server whose clock runs four times as fast, with callbacks watched.
    """

    clause: str
    name: str
    make: Callable[[], Handle]
    scaled: bool = False


class Wrapper:
    """The mock behind a defect, as an ASGI application."""

    def __init__(self, app: Any, handle: Handle) -> None:
        self._app = app
        self._handle = handle

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["path"].startswith("/__mock__"):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        call = Call(scope["method"], scope["path"], headers, await _read(receive), scope["query_string"])
        reply = await self._handle(call, lambda changed: self._ask(scope, changed))
        names = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
        kept = [pair for pair in names if pair[0] != b"content-length"]
        kept.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": kept})
        await send({"type": "http.response.body", "body": reply.body if call.method != "HEAD" else b""})

    async def _ask(self, scope: MutableMapping[str, Any], call: Call) -> Reply:
        """The correct server's answer."""
        asked = {
            **scope,
            "method": call.method,
            "path": call.path,
            "raw_path": call.path.encode(),
            "query_string": call.query,
            "headers": [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in call.headers.items()
            ],
        }
        parts: list[dict[str, Any]] = []
        given = iter([{"type": "http.request", "body": call.body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            found = next(given, None)
            return found if found is not None else await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            parts.append(message)
            await asyncio.sleep(0)

        # A file may go out by path; the bytes are wanted here.
        asked["extensions"] = {}
        await self._app(asked, receive, send)
        head = next(part for part in parts if part["type"] == "http.response.start")
        body = b"".join(part.get("body", b"") for part in parts if part["type"] == "http.response.body")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head["headers"]}
        return Reply(head["status"], headers, body)


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _hold_port() -> socket.socket:
    """A socket that is bound and does not listen: a receiver can listen on its port, and nothing else is given it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


class Workshop:
    """A thread with a loop, in which correct mocks live; broken servers are put before them."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._held = [_hold_port() for _ in range(8)]
        ports = [
            held.getsockname()[1] for held in self._held
        ]  # of callback receivers: what internal is allowed
        self.ports: SimpleQueue[int] = SimpleQueue()
        for port in ports:
            self.ports.put(port)
        self._thread = threading.Thread(target=self.loop.run_forever, name="workshop", daemon=True)
        usual: dict[str, Any] = {"tokens": TOKENS, "credits": 10_000}
        self._apps = {
            False: create_app(Service(SPEC, Settings(**usual, duration=Speed(1.2, 1.2)))),
            True: create_app(
                Service(
                    SPEC,
                    Settings(
                        **usual,
                        duration=Speed(3, 3),
                        clock_scale=SCALE,
                        allow_callbacks_to=tuple(f"127.0.0.1:{port}" for port in ports),
                    ),
                    SystemClock(scale=SCALE),
                )
            ),
        }
        self._stops: list[Any] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._stops = [self._do(_start_lifespan(app)) for app in self._apps.values()]
        return self

    def __exit__(self, *_: object) -> None:
        for stop in self._stops:
            self._do(stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        for held in self._held:
            held.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    @contextmanager
    def serving(self, handle: Handle, *, scaled: bool = False) -> Iterator[str]:
        """The URL of the correct server with this before it."""
        wrapper = Wrapper(self._apps[scaled], handle)
        server = uvicorn.Server(uvicorn.Config(wrapper, lifespan="off", log_level="critical", ws="none"))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            served = asyncio.run_coroutine_threadsafe(_serve(server, listening), self.loop)
            try:
                yield "http://{}:{}".format(*listening.getsockname())
            finally:
                server.should_exit = server.force_exit = True
                served.result(20)

    def prepare(self, url: str, place: int) -> None:
        """The accounts of a defect, new: one without credits, one without the model, one in haste.

        A defect that is looked for a second time must not find the clock that the first look has moved.
        """
        with httpx2.Client(base_url=url, trust_env=False) as client:
            for role in ("main", "other", *TERMS):
                headers = {"Authorization": f"Bearer {key(role, place)}"}
                client.delete("/__mock__/account", headers=headers)
            for role, terms in TERMS.items():
                headers = {"Authorization": f"Bearer {key(role, place)}"}
                client.patch("/__mock__/account", headers=headers, json=terms).raise_for_status()


TERMS: dict[str, dict[str, Any]] = {
    "poor": {"credits": 0},
    "barred": {"denied_models": [MODEL]},
    "hasty": {"rate": "1/day"},
}


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    """`serve` without its handling of signals, which only the main thread may do."""
    await server._serve([listening])  # noqa: SLF001  (the public one installs signal handlers)


async def correct(call: Call, ask: Ask) -> Reply:
    """No defect at all."""
    return await ask(call)
