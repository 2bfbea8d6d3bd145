"""An account's own time: what falls due happens in order, once, and before `advance` returns."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest
from evolink_mock.domain.clock import VirtualClock, stopwatch
from evolink_mock.service.account_clock import ShiftedClock
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mocks.control_calls import asks, creates, do, does
from support.mocks.in_process import START, Mock, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

TROUBLE = b"500 Internal Server Error"
DAY = 86400.0


@pytest.fixture
def calling(start: Callable[..., Mock]) -> Mock:
    return start(allow_callbacks_to=("127.0.0.1",))


@dataclass
class Slow:
    """A receiver that answers with 500, each time when it is told to."""

    calls: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.calls += 1
        self.called.set()
        await self.answer.wait()
        writer.write(b"HTTP/1.1 " + TROUBLE + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def happenings(passed: dict[str, Any]) -> list[tuple[float, str]]:
    return [(round(event["at"] - START, 3), event["what"]) for event in passed["happened"]]


def test_a_day_with_a_task_three_retries_and_a_dead_link_takes_less_than_a_second(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE] * 3) as receiver:
            task = await creates(calling, receiver.url("/warm-up"))
            receiver.answers.clear()
            await does(calling, "POST", "/clock/advance", {"seconds": 5})  # what is loaded once is loaded
            await does(calling, "DELETE", "/account")
            receiver.answers = [TROUBLE] * 3
            receiver.received.clear()
            began = stopwatch()
            task = await creates(calling, receiver.url())
            passed = await does(calling, "POST", "/clock/advance", {"seconds": DAY})
            (link,) = (await calling.asks("GET", f"/v1/tasks/{task['id']}")).json()["results"]
            passed["happened"] += (await does(calling, "POST", "/clock/advance", {"seconds": 10}))["happened"]
            dead = await calling.client.head(link)
            took = stopwatch() - began
            assert len(receiver.received) == 4
        assert dead.status_code == 410
        assert happenings(passed) == [
            (0.5, "task.processing"),
            (5.0, "task.completed"),
            (5.0, "callback.attempt"),
            (6.0, "callback.attempt"),
            (8.0, "callback.attempt"),
            (12.0, "callback.attempt"),
            (5.0 + DAY, "link.expired"),
        ]
        assert [event.get("status") for event in passed["happened"]][2:6] == [500, 500, 500, 204]
        assert took < 1

    calling.run(scene())


def test_callbacks_of_different_instants_arrive_in_order_with_the_body_of_their_instant(
    calling: Mock,
) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE]) as receiver:
            await does(calling, "POST", "/clock/freeze")
            await creates(calling, receiver.url("/a"))
            for name in "bc":
                await does(calling, "POST", "/clock/advance", {"seconds": 0.75})
                await creates(calling, receiver.url(f"/{name}"))
            await does(calling, "POST", "/clock/advance", {"seconds": 60})
            paths = [got.line.split()[1] for got in receiver.received]
            assert paths == ["/a", "/b", "/a", "/c"]
            assert all(b'"status":"completed"' in got.body for got in receiver.received)

    calling.run(scene())


def test_a_frozen_account_is_not_called_back_though_the_server_s_time_goes_on(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await creates(calling, receiver.url("/frozen"))
            await does(calling, "POST", "/clock/freeze")
            await creates(calling, receiver.url("/other"), token="other")
            calling.clock.advance(100)
            (got,) = await receiver.until(1)
            assert got.line.split()[1] == "/other"
            clock = await does(calling, "GET", "/clock")
            assert clock == {"now": START, "frozen": True, "next_due": START + 5}

    calling.run(scene())


def test_an_attempt_under_way_when_time_stops_is_waited_for_and_retried_in_the_account_s_time(
    calling: Mock,
) -> None:
    async def scene() -> None:
        async with Slow() as receiver:
            await creates(calling, receiver.url)
            calling.clock.advance(5)
            await receiver.called.wait()
            await does(calling, "POST", "/clock/freeze")
            calling.clock.advance(1000)
            advancing = asyncio.create_task(does(calling, "POST", "/clock/advance", {"seconds": 0.5}))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not advancing.done()
            receiver.answer.set()
            passed = await advancing
            assert happenings(passed) == [(5.0, "callback.attempt")]
            assert passed["next_due"] == START + 6
            passed = await does(calling, "POST", "/clock/advance", {"seconds": 60})
            assert [at for at, _ in happenings(passed)] == [6.0, 8.0, 12.0]
            assert receiver.calls == 4

    calling.run(scene())


def test_time_that_runs_again_runs_from_where_it_stood_and_takes_what_is_owed_along(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE]) as receiver:
            task = await creates(calling, receiver.url())
            await does(calling, "POST", "/clock/advance", {"seconds": 3600})
            done = (await calling.asks("GET", f"/v1/tasks/{task['id']}")).json()
            assert done["status"] == "completed"
            await creates(calling, receiver.url("/later"))
            clock = await does(calling, "POST", "/clock/resume")
            assert clock == {"now": START + 3600, "frozen": False, "next_due": START + 3605}
            assert (await calling.asks("GET", f"/v1/tasks/{task['id']}")).json() == done
            calling.clock.advance(5)
            got = await receiver.until(3)
            assert got[2].line.split()[1] == "/later"
            assert (await does(calling, "GET", "/clock"))["now"] == START + 3605

    calling.run(scene())


def test_time_can_be_stopped_and_resumed_again_and_again(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE] * 3) as receiver:
            await creates(calling, receiver.url())
            running = len(asyncio.all_tasks())
            for step in range(1, 11):
                await does(calling, "POST", "/clock/freeze")
                calling.clock.advance(1000)
                await does(calling, "POST", "/clock/advance", {"seconds": 1})
                await does(calling, "POST", "/clock/resume")
                calling.clock.advance(1)
                assert (await does(calling, "GET", "/clock"))["now"] == START + 2 * step
            await receiver.until(4)
            assert len(receiver.received) == 4
            await does(calling, "POST", "/clock/freeze")
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) <= running, "an agenda runs on that anonymous needs"

    calling.run(scene())


def test_to_freeze_twice_and_to_resume_what_runs_changes_nothing(mock: Mock) -> None:
    assert do(mock, "POST", "/clock/resume") == {"now": START, "frozen": False, "next_due": None}
    first = do(mock, "POST", "/clock/freeze")
    mock.clock.advance(5)
    assert do(mock, "POST", "/clock/freeze") == first == {"now": START, "frozen": True, "next_due": None}


def test_who_advances_while_another_does_waits_for_its_turn(calling: Mock) -> None:
    async def scene() -> None:
        async with Slow() as receiver:
            await creates(calling, receiver.url)
            one = asyncio.create_task(does(calling, "POST", "/clock/advance", {"seconds": 5.5}))
            await receiver.called.wait()
            two = asyncio.create_task(does(calling, "POST", "/clock/advance", {"seconds": 5}))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not two.done()
            assert (await does(calling, "GET", "/clock"))["now"] == START + 5
            receiver.answer.set()
            assert happenings(await one)[2:] == [(5.0, "callback.attempt")]
            passed = await two
            assert happenings(passed) == [(6.0, "callback.attempt"), (8.0, "callback.attempt")]
            assert passed["now"] == START + 10.5

    calling.run(scene())


def test_an_account_that_is_dropped_while_it_is_advanced_is_called_back_no_more(calling: Mock) -> None:
    async def scene() -> None:
        async with Slow() as receiver:
            first = await creates(calling, receiver.url)
            advancing = asyncio.create_task(asks(calling, "POST", "/clock/advance", {"seconds": 60}))
            await receiver.called.wait()
            await does(calling, "DELETE", "/account")
            again = await creates(calling, "http://127.0.0.1:1/")
            assert again["id"] == first["id"]
            receiver.answer.set()
            passed = await advancing
            assert (passed.status_code, passed.json()["happened"]) == (200, [])
            account = await does(calling, "GET", "/account")
            assert (account["tasks"], account["now"], account["frozen"]) == (1, START, False)
            owed = await does(calling, "GET", f"/callbacks/{again['id']}")
            assert (owed["url"], owed["attempts"]) == ("http://127.0.0.1:1/", [])
            calling.clock.advance(60)
            await does(calling, "POST", "/clock/advance", {"seconds": 60})
            assert receiver.calls == 1

    calling.run(scene())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("advance", {"seconds": -1}),
        ("advance", {"seconds": 1e300}),
        ("advance", {"seconds": "soon"}),
        ("set", {"now": START - 1}),
        ("set", {"now": 1e12}),
        ("set", {}),
    ],
)
def test_time_that_cannot_be_reached_is_refused_and_time_stays(mock: Mock, path: str, body: Any) -> None:
    answer = mock.run(asks(mock, "POST", f"/clock/{path}", body))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == ("seconds" if path == "advance" else "now")
    assert do(mock, "GET", "/clock")["now"] == START


def test_set_moves_to_the_instant(mock: Mock) -> None:
    mock.create()
    passed = do(mock, "POST", "/clock/set", {"now": START + 5})
    assert passed["now"] == START + 5
    assert happenings(passed) == [(0.5, "task.processing"), (5.0, "task.completed")]


def test_a_failing_task_tells_of_its_failure_and_of_no_link(mock: Mock) -> None:
    mock.create(prompt="[[fail=generation_timeout]]")
    passed = do(mock, "POST", "/clock/advance", {"seconds": 2 * DAY})
    assert [what for _, what in happenings(passed)] == ["task.processing", "task.failed"]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.floats(0, 2 * DAY).map(lambda x: round(x, 2)), min_size=1, max_size=6))
def test_time_in_steps_brings_what_time_in_one_go_does(lasting: Mock, steps: list[float]) -> None:
    async def scene(token: str, moves: list[float]) -> list[tuple[float, str]]:
        await does(lasting, "POST", "/accounts", token=token)
        await does(lasting, "POST", "/clock/freeze", token=token)
        await creates(lasting, token=token)
        found = []
        for seconds in moves:
            found += happenings(
                await does(lasting, "POST", "/clock/advance", {"seconds": seconds}, token=token)
            )
        return found

    in_steps = lasting.run(scene("in-steps", steps))
    assert in_steps == lasting.run(scene("in-one-go", [round(sum(steps), 2)]))


@given(st.floats(0, 1e9), st.floats(-1e9, 1e9), st.floats(0.001, 1e6))
def test_a_shifted_clock_wakes_who_waits_not_too_early(start: float, shift: float, seconds: float) -> None:
    async def scene() -> None:
        base = VirtualClock(start)
        clock = ShiftedClock(base, shift)
        instant = clock.now() + seconds
        waiting = asyncio.create_task(clock.sleep_until(instant))
        await asyncio.sleep(0)
        base.advance(seconds + 1)
        async with asyncio.timeout(5):
            await waiting
        assert clock.now() >= instant

    asyncio.run(scene())
