"""The mock beside what a test patches or runs in: other clocks, mocking libraries, trio, its own event loop."""

from __future__ import annotations

import asyncio
import http.client
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest
import respx
import time_machine
import trio
from evolink_mock import ControlError, MockServer, Receiver
from evolink_mock.domain.clock import stopwatch
from evolink_mock.testing import control_client
from freezegun import freeze_time
from support.records.builders import BODY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from evolink_mock import MockAccount

API = "https://api.evolink.ai"
CREATE = "/v1/videos/generations"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(duration=0.05) as server:
        yield server


@pytest.fixture
def account(server: MockServer) -> Iterator[MockAccount]:
    account = server.account()
    yield account
    account.drop()


def bearer(account: MockAccount) -> dict[str, str]:
    return {"authorization": f"Bearer {account.token}"}


def create(account: MockAccount, **fields: Any) -> str:
    with httpx2.Client(transport=account.transport(), headers=bearer(account)) as client:
        task_id: str = client.post(API + CREATE, json=BODY | fields).raise_for_status().json()["id"]
        return task_id


@pytest.mark.parametrize("stop", [freeze_time, lambda day: time_machine.travel(day, tick=False)])
def test_the_mock_keeps_its_own_time_when_a_test_stops_the_clocks_of_its_process(
    account: MockAccount, stop: Callable[[str], Any]
) -> None:
    today = time.time()
    with stop("2012-01-14"):
        assert abs(account.clock.now() - today) < 60
        assert account.wait_for(create(account)).status == "completed"
        with MockServer(duration=0.05) as another:
            assert abs(another.account().clock.now() - today) < 60


def test_the_mock_waits_though_a_test_has_replaced_the_sleep_of_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def at_once(_: float) -> None:
        """As in a test of a client that polls."""

    monkeypatch.setattr(asyncio, "sleep", at_once)
    with MockServer(duration=0.05) as another, Receiver() as receiver:
        receiver.fail(1)
        called = another.account()
        task = create(called, callback_url=receiver.url)
        assert called.wait_for(task).status == "completed"
        assert len(receiver.wait(2)) == 2
        began = stopwatch()
        with httpx2.Client(transport=called.transport(), headers=bearer(called)) as client:
            client.get(f"{API}/v1/credits", headers={"prefer": "mock=latency=200ms"})
        assert stopwatch() - began >= 0.2


CAUGHT = f"""
import httpx2

httpx2.alias_httpx()  # without which respx would not see httpx2 at all

import respx
from evolink_mock import MockServer, Receiver

with respx.mock(assert_all_called=False) as router, MockServer(duration=0.05) as server, Receiver() as receiver:
    router.route().mock(side_effect=httpx2.ConnectError("caught"))
    account = server.account()
    headers = {{"authorization": f"Bearer {{account.token}}"}}
    with httpx2.Client(transport=account.transport(), headers=headers) as client:
        body = {BODY} | {{"callback_url": receiver.url}}
        client.post("{API}{CREATE}", json=body).raise_for_status()
    account.callbacks.wait()
    try:
        httpx2.get(account.base_url, trust_env=False)
    except httpx2.ConnectError as error:
        print(error, len(receiver.received))
"""


def test_what_catches_requests_of_httpx2_catches_none_of_the_mock() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CAUGHT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "caught 1\n", done.stderr


def test_what_catches_requests_of_httpx_catches_none_of_the_mock(account: MockAccount) -> None:
    with respx.mock(assert_all_called=False) as router, Receiver() as receiver:
        router.route().mock(side_effect=AssertionError("caught"))
        create(account, callback_url=receiver.url)
        account.callbacks.wait()
        assert len(receiver.received) == 1


def test_the_transport_works_under_trio(account: MockAccount) -> None:
    async def scene() -> int:
        async with httpx2.AsyncClient(transport=account.transport(), headers=bearer(account)) as client:
            return (await client.get(API + "/v1/credits")).status_code

    assert trio.run(scene) == 200


async def _impatient(account: MockAccount) -> None:
    async with httpx2.AsyncClient(
        transport=account.transport(), headers=bearer(account), timeout=0.05
    ) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.get(API + "/v1/credits")


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_the_transport_honours_the_time_out_of_an_async_client(
    account: MockAccount, run: Callable[[Any], Any]
) -> None:
    account.recipe("latency=5s", times=1)
    began = stopwatch()
    run(_impatient(account) if run is asyncio.run else lambda: _impatient(account))
    assert stopwatch() - began < 4


def test_the_transport_honours_the_time_out_of_a_client(account: MockAccount) -> None:
    account.recipe("latency=5s", times=1)
    began = stopwatch()
    with (
        httpx2.Client(transport=account.transport(), headers=bearer(account), timeout=0.05) as client,
        pytest.raises(httpx2.ReadTimeout),
    ):
        client.get(API + "/v1/credits")
    assert stopwatch() - began < 4


@asynccontextmanager
async def receiver(handle: Callable[[], Awaitable[object]]) -> AsyncIterator[str]:
    """A callback receiver in the loop of the test: it does something, then answers 204."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await handle()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def _nothing() -> None:
    """What most receivers do."""


def test_time_can_be_moved_in_the_event_loop_that_receives_the_callbacks(account: MockAccount) -> None:
    async def scene() -> None:
        async with receiver(_nothing) as url:
            account.clock.freeze()
            task_id = await asyncio.to_thread(create, account, callback_url=url)
            began = stopwatch()
            events = await account.clock.advance_async("1h")
            assert stopwatch() - began < 5
            assert [event.status for event in events if event.what == "callback.attempt"] == [204]
            assert (await account.wait_for_async(task_id)).status == "completed"
            assert len(await account.callbacks.wait_async()) == 1
            assert (await account.callbacks.replay_async(task_id)).state == "delivered"
            await account.clock.set_async(account.clock.now() + 1)
            other = await asyncio.to_thread(create, account)
            assert (await account.finish_async(other, "service_error")).failure == "service_error"

    asyncio.run(scene())


def test_a_callback_handler_that_moves_the_clock_is_told_at_once_that_it_cannot(account: MockAccount) -> None:
    refusals = []

    async def advance() -> None:
        try:
            await account.clock.advance_async(1)
        except ControlError as error:
            refusals.append(error)

    async def scene() -> None:
        async with receiver(advance) as url:
            account.clock.freeze()
            await asyncio.to_thread(create, account, callback_url=url)
            began = stopwatch()
            await account.clock.advance_async("1h")
            assert stopwatch() - began < 5

    asyncio.run(scene())
    assert [error.status for error in refusals] == [409]
    assert "callback handler" in str(refusals[0])


def test_a_process_patched_by_gevent_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", SimpleNamespace(is_module_patched=lambda _: True))
    with pytest.raises(RuntimeError, match=r"gevent.*MockServer"), MockServer():
        pytest.fail("it started")


def test_a_method_that_blocks_the_loop_of_the_receiver_soon_names_its_async_variant(
    account: MockAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_client, "_BLOCKED_SECONDS", 0.3)

    async def scene() -> None:
        async with receiver(_nothing) as url:
            account.clock.freeze()
            await asyncio.to_thread(create, account, callback_url=url)
            account.clock.advance("1h")

    with pytest.raises(RuntimeError, match=r"blocked for 0\.3 seconds.*use `await clock\.advance_async"):
        asyncio.run(scene())


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_wait_that_blocked_an_event_loop_says_so(account: MockAccount, library: str) -> None:
    account.recipe("stuck=pending", times=1)
    task_id = create(account)

    async def scene() -> None:
        account.wait_for(task_id, timeout=0.01)

    with pytest.raises(TimeoutError, match="await the async variant"):
        anyio.run(scene, backend=library)
    with pytest.raises(TimeoutError, match=r"after 0\.01 s$"):
        account.wait_for(task_id, timeout=0.01)


def test_an_account_reaches_its_mock_though_the_network_of_the_test_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the network is down")

    with MockServer(duration=0.05) as another, Receiver() as receiver:
        account = another.account()
        create(account, callback_url=receiver.url)
        for place in (socket, http.client.HTTPConnection):
            for name in ("create_connection", "getaddrinfo", "request", "getresponse"):
                monkeypatch.setattr(place, name, fail, raising=False)
        account.clock.advance("1m")
        assert [call.status for call in receiver.received] == [204]
