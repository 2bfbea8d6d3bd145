"""The streams: batches of rows for the page, events as JSON for machines, each to its end."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvloop
from evolink_mock.console import event_stream
from evolink_mock.console.exchange_rows import ExchangeFilter
from evolink_mock.console.pages import row_events
from evolink_mock.control.operator_key import set_cookie
from evolink_mock.domain.exchange import Exchange
from evolink_mock.service.exchange_feed import ExchangeFeed
from support.mocks.in_process import BODY, Mock, playing
from support.mocks.sockets import over_a_socket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

EVENTS = "/__mock__/events"
LARGE = BODY | {"prompt": "A dance. " * 8000}  # refused, because it is too long


@pytest.fixture
def mock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    monkeypatch.setattr(event_stream, "_BATCH_SECONDS", 0)
    with playing() as mock:
        yield mock


class Follower:
    """A client that reads events until it leaves."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.news = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        self.news.set()

    async def until(self, text: str) -> str:
        async with asyncio.timeout(10):
            while text not in self.text:
                self.news.clear()
                await self.news.wait()
        return self.text


@asynccontextmanager
async def following(mock: Mock, path: str, query: str = "", **headers: str) -> AsyncIterator[Follower]:
    follower = Follower()
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/__mock__{path}",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), *names],
    }
    task = asyncio.create_task(mock.app(scope, follower.receive, follower.send))
    await follower.news.wait()
    try:
        yield follower
    finally:
        follower.gone.set()
        await task


def cookie(mock: Mock) -> str:
    return set_cookie(mock.service.operator_key).decode().partition(";")[0]


def events(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: {")
    ]


def test_the_holder_of_a_key_follows_its_own_account_and_sees_no_key(mock: Mock) -> None:
    async def scene() -> str:
        async with following(mock, "/events", authorization="Bearer mine-and-mine-only") as follower:
            await mock.asks("GET", "/v1/credits", token="another-key-entirely")
            await mock.asks("GET", "/v1/credits", token="mine-and-mine-only")
            return await follower.until("event: exchange")

    text = mock.run(scene())
    (event,) = events(text)
    assert (event["number"], event["path"], event["status"]) == (2, "/v1/credits", 200)
    assert "id: 2" in text
    assert "mine-and-mine-only" not in text


def test_the_operator_follows_every_account(mock: Mock) -> None:
    async def scene() -> str:
        async with following(mock, "/events", cookie=cookie(mock)) as follower:
            await mock.asks("GET", "/v1/credits", token="one")
            await mock.asks("GET", "/v1/credits", token="two")
            return await follower.until("id: 2")

    assert len({event["account"] for event in events(mock.run(scene()))}) == 2


def test_nobody_follows_without_a_key(mock: Mock) -> None:
    async def scene() -> int:
        async with following(mock, "/events") as follower:
            return follower.status

    assert mock.run(scene()) == 401


@pytest.mark.parametrize("position", [{"last_event_id": "1"}, {"query": "after=1"}])
def test_a_follower_continues_after_the_last_event_that_it_has(mock: Mock, position: dict[str, str]) -> None:
    for _ in range(3):
        mock.get("/v1/credits")

    async def scene() -> str:
        async with following(mock, "/events", cookie=cookie(mock), **position) as follower:
            return await follower.until("id: 3")

    assert [event["number"] for event in events(mock.run(scene()))] == [2, 3]


def test_a_reset_loses_no_event_that_a_follower_has_not_received(mock: Mock) -> None:
    async def scene() -> str:
        async with following(mock, "/events", cookie=cookie(mock)) as follower:
            for _ in range(2):
                await mock.asks("GET", "/v1/credits")
                await mock.asks("POST", "/__mock__/reset")
            await mock.asks("GET", "/v1/credits")
            return await follower.until("id: 3")

    assert [event["number"] for event in events(mock.run(scene()))] == [1, 2, 3]


@pytest.mark.parametrize("query", ["", "after=0"])
def test_a_reset_clears_an_open_page_with_the_rows_that_it_has_not_received(mock: Mock, query: str) -> None:
    async def scene() -> str:
        if query:  # the page was loaded, then came the reset, then the page opened the stream
            await mock.asks("GET", "/v1/credits")
            await mock.asks("POST", "/__mock__/reset")
        async with following(mock, "/ui/stream", query, cookie=cookie(mock)) as follower:
            await mock.asks("GET", "/v1/credits")
            await mock.asks("POST", "/__mock__/reset")
            await mock.asks("GET", "/v1/tasks/task-1")
            return await follower.until("/v1/tasks/task-1")

    text = mock.run(scene())
    assert text.index('class="cleared"') < text.index("/v1/tasks/task-1")
    assert "/v1/credits" not in text


def test_a_follower_that_does_not_read_is_disconnected_and_told_how_much_it_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "_BATCH_SECONDS", 0)
    monkeypatch.setattr(event_stream, "_WRITE_SECONDS", 0.05)
    monkeypatch.setattr(ExchangeFeed.__init__, "__defaults__", (20, 10_000_000))
    ended: list[Exchange] = []

    async def scene(port: int) -> None:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": "Bearer key"}, trust_env=False
        ) as client:
            with open_stream(port) as connection:
                await client.get("/v1/credits")
                assert await received(connection, "id: 1\n")
                while not any(exchange.path == EVENTS for exchange in ended):
                    await client.post("/v1/videos/generations", json=LARGE)
                rest = await received(connection)
            (stream,) = (exchange for exchange in ended if exchange.path == EVENTS)
            assert stream.notes == ("the client was disconnected because it did not read the events in time",)
            assert not rest.endswith("0\r\n\r\n"), "the response must not look complete"
            with open_stream(port, "Last-Event-ID: 1\r\n") as connection:
                assert await received(connection, "event: missed\n")

    over_a_socket(scene, uvloop.new_event_loop, observe=ended.append)


def open_stream(port: int, header: str = "") -> socket.socket:
    """A connection on which events were requested, and which accepts little that is not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer key\r\n{header}\r\n".encode()
    )
    connection.settimeout(0)  # as asyncio needs it
    return connection


async def received(connection: socket.socket, until: str = "\0") -> str:
    """What arrives up to this text, or to the end of the connection."""
    text = ""
    while until not in text and (data := await asyncio.get_running_loop().sock_recv(connection, 65536)):
        text += data.decode()
    return text


def test_a_follower_that_was_away_for_too_long_learns_how_many_it_missed() -> None:
    encode_batch = event_stream.json_events(lambda _: True)
    feed = ExchangeFeed(limit=1)
    for _ in range(4):
        feed.publish(Exchange("GET", "/", 0.0))
    assert b"event: missed\ndata: 3\n\n" in encode_batch(*feed.after(0))


def test_a_batch_of_rows_is_bounded_and_counts_the_rest() -> None:
    feed = ExchangeFeed()
    for number in range(60):
        feed.publish(Exchange("GET", f"/{number}", 0.0))
    text = row_events(ExchangeFilter())(*feed.after(0)).decode()
    assert text.count('class="when"') == 20
    assert "40 more exchanges are not shown" in text
    assert row_events(ExchangeFilter(path="/nowhere"))(*feed.after(0)) == b""


def test_every_line_of_an_event_is_data() -> None:
    assert event_stream.event("rows", b"a\nb\r\nc", 7) == b"event: rows\nid: 7\ndata: a\ndata: b\ndata: c\n\n"
