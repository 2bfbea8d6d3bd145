"""Callbacks that come late, twice, early or never, asked for at every door, on a clock that the test moves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.recipes import assignments
from evolink_mock.recipes.registry import RecipeRegistry
from support.mocks.in_process import BODY, CREATE, SPEC, Mock, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

BOOK = RecipeRegistry({402}, SPEC.failures)
DOORS = ("header", "prompt", "token", "order")


@pytest.fixture
def calling(start: Callable[..., Mock]) -> Mock:
    """A mock that may call receivers on loopback."""
    return start(allow_callbacks_to=("127.0.0.1",))


async def create(mock: Mock, url: str, door: str = "", text: str = "") -> tuple[dict[str, Any], str]:
    """A task with a callback and a recipe, and the token that it was made with."""
    token = f"key~{text}" if door == "token" else "key"
    headers = {"prefer": f"mock={text}"} if door == "header" else {}
    body = BODY | {"callback_url": url} | ({"prompt": f"[[{text}]]"} if door == "prompt" else {})
    if door == "order":
        account = await mock.service.store.account("key")
        assert assignments.assign(account, BOOK, text, times=1, operation="create") is None
    answer = await mock.asks("POST", CREATE, token, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json(), token


async def status(mock: Mock, task: dict[str, Any], token: str) -> str:
    found: str = (await mock.asks("GET", f"/v1/tasks/{task['id']}", token)).json()["status"]
    return found


def paths(receiver: Receiver) -> list[str]:
    return [got.line.split()[1] for got in receiver.received]


@pytest.mark.parametrize("door", DOORS)
def test_a_late_callback_comes_so_long_after_the_end(calling: Mock, door: str) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            task, token = await create(calling, receiver.url("/late"), door, "callback=late:30s")
            calling.clock.advance(5)
            assert await status(calling, task, token) == "completed"
            calling.clock.advance(25)
            await create(calling, receiver.url("/usual"))
            calling.clock.advance(5)
            await receiver.until(2)
            assert sorted(paths(receiver)) == ["/late", "/usual"]

    calling.run(scene())


def test_a_late_callback_does_not_come_before(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url("/late"), "header", "callback=late:30s")
            await create(calling, receiver.url("/usual"))
            calling.clock.advance(34.9)
            await receiver.until(1)
            assert paths(receiver) == ["/usual"]
            calling.clock.advance(0.1)
            await receiver.until(2)

    calling.run(scene())


@pytest.mark.parametrize("door", DOORS)
def test_an_early_callback_says_the_end_while_a_query_does_not(calling: Mock, door: str) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            task, token = await create(calling, receiver.url(), door, "callback=early")
            calling.clock.advance(2.75)
            (got,) = await receiver.until(1)
            body = json.loads(got.body)
            assert (body["status"], body["progress"]) == ("completed", 100)
            assert await status(calling, task, token) == "processing"
            link = body["results"][0].replace("http://mock.test", "")
            assert (await calling.asks("HEAD", link)).status_code == 200
            calling.clock.advance(2.25)
            answer = await calling.asks("GET", f"/v1/tasks/{task['id']}", token)
            assert answer.content == got.body
            assert len(receiver.received) == 1

    calling.run(scene())


def test_an_early_callback_of_a_stuck_task_never_comes(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url("/stuck"), "header", "callback=early+stuck=processing")
            await create(calling, receiver.url("/usual"))
            calling.clock.advance(1e6)
            await receiver.until(1)
            assert paths(receiver) == ["/usual"]

    calling.run(scene())


@pytest.mark.parametrize("door", DOORS)
def test_a_callback_can_come_twice_though_it_was_taken(calling: Mock, door: str) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url(), door, "callback=twice")
            calling.clock.advance(5)
            await calling.callbacks.until(1)
            calling.clock.advance(60)
            first, second = await receiver.until(2)
            assert first.body == second.body
            await calling.callbacks.until(2)
            calling.clock.advance(60)
            await create(calling, receiver.url("/usual"))
            calling.clock.advance(5)
            assert [got.line.split()[1] for got in await receiver.until(3)] == ["/hook", "/hook", "/usual"]

    calling.run(scene())


def test_a_callback_that_comes_twice_is_retried_first(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([b"500 Internal Server Error"]) as receiver:
            await create(calling, receiver.url(), "header", "callback=twice")
            for count in (1, 2, 3):
                calling.clock.advance(60)
                await calling.callbacks.until(count)
            assert len(receiver.received) == 3

    calling.run(scene())


@pytest.mark.parametrize("door", DOORS)
def test_a_callback_can_never_come(calling: Mock, door: str) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url("/never"), door, "callback=never")
            await create(calling, receiver.url("/usual"))
            calling.clock.advance(1e6)
            await receiver.until(1)
            assert paths(receiver) == ["/usual"]

    calling.run(scene())
