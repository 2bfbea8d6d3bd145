"""The streams: batches of rows for the page, events as JSON for machines, each to its end."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.console import event_stream
from evolink_mock.console.exchange_rows import ExchangeFilter
from evolink_mock.console.pages import row_events
from evolink_mock.control.operator_key import set_cookie
from evolink_mock.domain.exchange import Exchange
from evolink_mock.service.exchange_feed import ExchangeFeed
from support.in_process import Mock, playing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


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
