"""The mock in process, without threads or sockets, on a clock that the test advances."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
from evolink_check import Conformance
from evolink_check import Exchange as Recorded
from evolink_mock.domain.clock import VirtualClock
from evolink_mock.http.access_log import format_line
from evolink_mock.server.app import create_app
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from evolink_spec import Spec, load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange

T = TypeVar("T")
START = 1_757_169_743.0
SPEC = load()
VOICE = Conformance(SPEC)  # openapi-core, which checks every response independently
CREATE = "/v1/videos/generations"
MODEL = "grok-imagine-image-to-video-beta"
BODY: dict[str, Any] = {
    "model": MODEL,
    "prompt": "The person starts dancing",
    "image_urls": ["https://example.com/image.jpg"],
}


def shaped(answer: httpx2.Response) -> dict[str, Any]:
    """The `error` of a response, after checking that it has the documented shape and nothing else."""
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert {"code", "message", "type"} <= error.keys() <= {"code", "message", "type", "param"}
    assert all(isinstance(value, str) for value in error.values())
    return error


class Callbacks(logging.Handler):
    """Collects the log lines on callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._news = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._news.set()

    async def until(self, count: int) -> list[str]:
        """Wait for so many lines."""
        async with asyncio.timeout(10):
            while len(self.lines) < count:
                self._news.clear()
                await self._news.wait()
        return self.lines


@dataclass
class Mock:
    """One mock under test. Every response is checked by openapi-core before the test sees it."""

    service: Service
    clock: VirtualClock
    noted: list[Exchange]
    app: Any
    client: httpx2.AsyncClient
    stop: Callable[[], Coroutine[Any, Any, None]]
    _run: Callable[[Coroutine[Any, Any, Any]], Any]
    callbacks: Callbacks = field(default_factory=Callbacks)
    recorded: list[Recorded] = field(default_factory=list)

    def account(self, token: str = "key") -> Account:
        """The account of a token, as the mock stores it."""
        return self.run(self.service.store.account(token))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self._run(work)
        return result

    async def asks(self, method: str, url: str, token: str | None = "key", **more: Any) -> httpx2.Response:
        headers = httpx2.Headers(more.pop("headers", None))
        if token is not None:
            headers.setdefault("authorization", f"Bearer {token}")
        answer = await self.client.request(method, url, headers=headers, **more)
        self._judge(answer)
        return answer

    def ask(self, method: str, url: str, token: str | None = "key", **more: Any) -> httpx2.Response:
        return self.run(self.asks(method, url, token, **more))

    def get(self, url: str, **more: Any) -> httpx2.Response:
        return self.ask("GET", url, **more)

    def post(self, body: Any, **more: Any) -> httpx2.Response:
        """Create with this body, as `post_to` sends it."""
        return self.post_to(CREATE, body, **more)

    def post_to(self, path: str, body: Any, **more: Any) -> httpx2.Response:
        """Post a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        return self.ask("POST", path, content=content, headers=headers, **more)

    def create(self, token: str | None = "key", **fields: Any) -> dict[str, Any]:
        answer = self.post(BODY | fields, token=token)
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def query(self, task: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.get(f"/v1/tasks/{task['id']}", **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def left(self, token: str = "key") -> float:
        """The remaining credits."""
        left: float = self.get("/v1/credits", token=token).json()["data"]["user"]["remaining_credits"]
        return left

    def logged(self) -> str:
        """The lines of the access log."""
        return "".join(format_line(exchange, exchange.began, "") for exchange in self.noted)

    def _judge(self, answer: httpx2.Response) -> None:
        request = answer.request
        exchange = Recorded(
            request.method,
            str(request.url),
            tuple(request.headers.items()),
            request.content if isinstance(request.stream, httpx2.ByteStream) else b"",
            answer.status_code,
            tuple(answer.headers.items()),
            answer.content,
        )
        problems = VOICE.response_problems(exchange)
        undocumented = (f"no document describes {request.method} {urlsplit(exchange.url).path}"[:200],)
        assert problems in {(), undocumented}, problems
        if not problems:
            self.recorded.append(exchange)


@contextmanager
def playing(spec: Spec = SPEC, **choices: Any) -> Iterator[Mock]:
    """A mock with these settings, started; stopped at the end."""
    clock = VirtualClock(START)
    noted: list[Exchange] = []
    service = Service(spec, Settings(**choices), clock)
    app = create_app(service, noted.append)
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://mock.test", trust_env=False
    )
    log = logging.getLogger("evolink_mock.callbacks")
    level = log.level
    with asyncio.Runner() as runner:
        mock = Mock(service, clock, noted, app, client, runner.run(_start_lifespan(app)), runner.run)
        log.addHandler(mock.callbacks)
        log.setLevel(logging.INFO)
        try:
            yield mock
        finally:
            runner.run(client.aclose())
            runner.run(mock.stop())
            log.setLevel(level)
            log.removeHandler(mock.callbacks)


async def _start_lifespan(app: Any) -> Callable[[], Coroutine[Any, Any, None]]:
    """Start an ASGI lifespan; the function returned ends it. A failure of either is raised."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan"}, incoming.get, outgoing.put))

    async def pass_through(phase: str) -> None:
        await incoming.put({"type": f"lifespan.{phase}"})
        message = await outgoing.get()
        assert message["type"] == f"lifespan.{phase}.complete", message

    async def stop() -> None:
        if not lifespan.done():
            await pass_through("shutdown")
            await lifespan

    await pass_through("startup")
    return stop


@dataclass
class Received:
    """One request as a callback receiver got it."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A callback receiver on loopback. `answers` are given in turn, then 204."""

    answers: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    host: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://{self.host}{path}"

    async def until(self, count: int) -> list[Received]:
        """Wait for so many requests."""
        async with asyncio.timeout(20):
            while len(self.received) < count:
                self._news.clear()
                await self._news.wait()
        return self.received

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(line, headers, body))
        status = self.answers.pop(0) if self.answers else b"204 No Content"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        self._news.set()
