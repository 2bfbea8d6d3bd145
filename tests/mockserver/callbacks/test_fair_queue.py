"""A receiver that never answers, or a name that never resolves, holds up nobody else's callbacks. Real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.callbacks import resolver, service
from evolink_mock.callbacks.account_queue import AccountQueue, Entry
from evolink_mock.callbacks.fair_queue import AttemptLimits, FairQueue
from evolink_mock.callbacks.resolver import Resolver
from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.deliveries import Attempt
from support.mocks.control_calls import creates
from support.mocks.in_process import BODY, CREATE, Receiver
from support.records.builders import an_account
from support.records.callbacks import a_delivery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from support.mocks.in_process import Mock

OWED = 640


@pytest.fixture
def calling(monkeypatch: pytest.MonkeyPatch, start: Callable[..., Mock]) -> Mock:
    monkeypatch.setattr(service, "_GRACE_SECONDS", 0.1)
    return start(allow_callbacks_to=("127.0.0.1",))


class Silent:
    """A receiver that takes connections and never answers."""

    def __init__(self, listener: socket.socket) -> None:
        listener.settimeout(0)
        self._listener = listener
        self.host = f"127.0.0.1:{listener.getsockname()[1]}"

    async def called(self) -> None:
        """Return when somebody has connected."""
        connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self._connection = connection

    def close(self) -> None:
        self._connection.close()
        self._listener.close()


@asynccontextmanager
async def silent() -> AsyncIterator[Silent]:
    with closing(Silent(socket.create_server(("127.0.0.1", 0), backlog=1024))) as receiver:
        yield receiver


async def neighbours(mock: Mock, host: str, accounts: int = 1) -> None:
    """Callbacks that will all be due in five seconds, to a receiver that never answers."""
    for number in range(OWED):
        headers = {"authorization": f"Bearer neighbour-{number % accounts}"}
        body = BODY | {"callback_url": f"http://{host}/never"}
        answer = await mock.client.post(CREATE, json=body, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("accounts", [1, 20])
def test_neighbours_whose_receiver_never_answers_do_not_delay_an_account(
    calling: Mock, accounts: int
) -> None:
    async def scene() -> None:
        async with silent() as hanging, Receiver() as receiver:
            await neighbours(calling, hanging.host, accounts)
            calling.clock.advance(5)
            await hanging.called()
            await creates(calling, receiver.url(), token="innocent")
            calling.clock.advance(5)
            began = stopwatch()
            await receiver.until(1)
            assert stopwatch() - began < 5, "before the first time-out of the neighbours"

    calling.run(scene())


def test_a_receiver_that_never_answers_does_not_delay_the_others_of_the_same_account(calling: Mock) -> None:
    async def scene() -> None:
        async with silent() as hanging, Receiver() as receiver:
            await neighbours(calling, hanging.host)
            await creates(calling, receiver.url(), token="neighbour-0")
            calling.clock.advance(5)
            await hanging.called()
            began = stopwatch()
            await receiver.until(1)
            assert stopwatch() - began < 5

    calling.run(scene())


def test_a_neighbour_whose_receiver_never_answers_does_not_delay_a_frozen_account(calling: Mock) -> None:
    async def scene() -> None:
        async with silent() as hanging, Receiver() as receiver:
            await neighbours(calling, hanging.host)
            calling.clock.advance(5)
            await hanging.called()
            await creates(calling, receiver.url(), token="innocent")
            began = stopwatch()
            await calling.asks("POST", "/__mock__/clock/advance", "innocent", json={"seconds": 5})
            assert stopwatch() - began < 5
            assert len(receiver.received) == 1

    calling.run(scene())


def test_the_server_stops_in_good_time_whatever_hangs(
    calling: Mock, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        async with silent() as hanging:
            await neighbours(calling, hanging.host)
            calling.clock.advance(5)
            await hanging.called()
            began = stopwatch()
            await calling.stop()
            assert stopwatch() - began < 2
            assert (
                f"{OWED} callbacks were never delivered: {OWED} to http://{hanging.host}" in caplog.messages
            )

    calling.run(scene())


@dataclass
class NameServer:
    """Names that do not resolve until `release` is set."""

    release: threading.Event = field(default_factory=threading.Event)
    called: threading.Event = field(default_factory=threading.Event)
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked[host] += 1
        self.called.set()
        if host.startswith("hangs"):
            self.release.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(resolver, "_getaddrinfo", server)
    yield server
    server.release.set()


def test_names_that_do_not_resolve_hold_up_no_other(
    start: Callable[..., Mock], name_server: NameServer
) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            port = receiver.host.partition(":")[2]
            for number in range(60):
                await creates(mock, f"http://hangs-{number}.example:{port}/", token="neighbour")
            await creates(mock, f"http://resolves.example:{port}/", token="innocent")
            mock.clock.advance(5)
            began = stopwatch()
            await receiver.until(1)
            assert stopwatch() - began < 5
            assert len(name_server.asked) > 1, "while others hang"

    allowed = (*(f"hangs-{number}.example" for number in range(60)), "resolves.example")
    mock = start(allow_callbacks_to=allowed)
    mock.run(scene())


def test_look_ups_of_one_name_share_a_thread(name_server: NameServer) -> None:
    async def scene() -> None:
        resolve = Resolver()
        look_ups = [asyncio.create_task(resolve("hangs.example", 443)) for _ in range(20)]
        await asyncio.to_thread(name_server.called.wait)
        look_ups.pop().cancel()
        name_server.release.set()
        outcomes = await asyncio.gather(*look_ups, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [socket.gaierror] * 19
        assert name_server.asked == {"hangs.example": 1}

    asyncio.run(scene())


def queues(names: str, each: int, host: str = "") -> list[AccountQueue]:
    """A queue per letter, with so many deliveries that are due at once."""
    made = []
    for position, name in enumerate(names):
        queue = AccountQueue(an_account(name))
        for number in range(each):
            delivery = a_delivery(f"{name}{number}", f"https://{host or name}.example/")
            queue.put(Entry(0.0, position * each + number, delivery))
        made.append(queue)
    return made


def taken(fair_queue: FairQueue) -> list[str]:
    """What may start now, in order."""
    started = []
    while (turn := fair_queue.take()) is not None:
        started.append(turn[1].delivery.task_id)
    return started


def test_accounts_take_turns() -> None:
    fair_queue = FairQueue(AttemptLimits())
    for queue in queues("abc", 3):
        fair_queue.release(queue, 0.0)
    assert taken(fair_queue) == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_the_receivers_of_an_account_take_turns() -> None:
    (queue,) = queues("a", 2)
    for number in (7, 8):
        queue.put(Entry(0.0, number, a_delivery(f"other{number}", "https://other.example/")))
    fair_queue = FairQueue(AttemptLimits())
    fair_queue.release(queue, 0.0)
    assert taken(fair_queue) == ["a0", "other7", "a1", "other8"]


@pytest.mark.parametrize(
    ("limits", "host", "started"),
    [
        (AttemptLimits(total=3), "", 3),
        (AttemptLimits(receiver=3), "shared", 3),
        (AttemptLimits(share=2), "", 8),
        (AttemptLimits(account=3), "", 12),
    ],
)
def test_no_limit_is_exceeded_and_what_ends_makes_room(
    limits: AttemptLimits, host: str, started: int
) -> None:
    fair_queue = FairQueue(limits)
    for queue in queues("abcd", 10, host):
        fair_queue.release(queue, 0.0)
    under_way = []
    while (turn := fair_queue.take()) is not None:
        under_way.append(turn)
    assert len(under_way) == started
    fair_queue.end(*under_way.pop())
    assert fair_queue.take() is not None
    assert fair_queue.take() is None


def test_however_many_accounts_there_are_one_more_may_start() -> None:
    fair_queue = FairQueue(AttemptLimits())
    for queue in queues("abcdefghijklmnopqrst", 100):
        fair_queue.release(queue, 0.0)
        taken(fair_queue)
    (late,) = queues("z", 1)
    fair_queue.release(late, 0.0)
    assert taken(fair_queue) == ["z0"]


@pytest.mark.parametrize(
    ("seconds", "started"), [(None, 336), (10.0, 192), (0.1, 384)], ids=["no record", "slow", "prompt"]
)
def test_many_receivers_that_never_answer_leave_room_for_others(seconds: float | None, started: int) -> None:
    fair_queue = FairQueue(AttemptLimits())
    for number in range(400):
        release(fair_queue, f"neighbour-{number}", number, seconds)
    assert len(taken(fair_queue)) == started
    release(fair_queue, "prompt", 400, 0.1)
    release(fair_queue, "unknown", 401, None)
    room = {336: ["prompt"], 192: ["prompt", "unknown"], 384: []}
    assert taken(fair_queue) == room[started]


def test_the_latest_attempt_decides_whether_a_receiver_is_slow() -> None:
    fair_queue = FairQueue(AttemptLimits(slow=0))
    release(fair_queue, "a", 0, 10.0)
    assert taken(fair_queue) == []
    fair_queue.record(a_delivery("a", "https://a.example/"), Attempt(0.0, 0.1, 500, None))
    assert taken(fair_queue) == ["a"]


def release(fair_queue: FairQueue, name: str, number: int, seconds: float | None) -> None:
    """Add an account with one due delivery to a receiver whose last attempt took so many seconds, if any did."""
    queue, delivery = AccountQueue(an_account(name)), a_delivery(name, f"https://{name}.example/")
    if seconds is not None:
        fair_queue.record(delivery, Attempt(0.0, seconds, None, "no answer"))
    queue.put(Entry(0.0, number, delivery))
    fair_queue.release(queue, 0.0)


def test_a_delivery_says_when_it_is_due_wherever_it_stands_in_its_queue() -> None:
    (queue,) = queues("a", 3)
    queue.put(Entry(50.0, 9, a_delivery("later")))
    queue.release(0.0)
    entry = queue.take(lambda _: True)
    assert entry is not None
    queue.begin(entry)
    queue.reschedule("a1", 30.0)
    assert [(entry.delivery.task_id, entry.due) for entry in queue.entries()] == [
        ("a0", 0.0),
        ("a2", 0.0),
        ("a1", 30.0),
        ("later", 50.0),
    ]
