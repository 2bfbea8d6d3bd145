"""When deliveries are attempted, in which order, and what becomes of them at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.callbacks.fair_queue import AttemptLimits
from evolink_mock.callbacks.scheduler import CallbackScheduler
from evolink_mock.callbacks.sender import CallbackSender
from evolink_mock.callbacks.url_guard import Allowed
from evolink_mock.domain.clock import SystemClock, VirtualClock
from evolink_mock.domain.deliveries import Attempt, Delivery
from evolink_spec.models import CallbackRules
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.records.builders import an_account
from support.records.callbacks import a_delivery

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.parsed_url import ParsedUrl

RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))
Meet = Callable[[str], Awaitable[None]]


def owed(name: str) -> Delivery:
    return a_delivery(name, f"https://hooks.example/{name}")


@dataclass
class World:
    """A scheduler, and what it did: `statuses` answer the attempts of a task, 200 when they run out.

    The account's time stands still until `advance`, or follows the scheduler's clock: `frozen`.
    """

    statuses: dict[str, list[int]] = field(default_factory=dict)
    meet: Meet | None = None  # awaited within each attempt
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(0.0))
    calls: list[tuple[float, str]] = field(default_factory=list)
    heard: list[tuple[str, int, str | None, float | None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    frozen: bool = True
    limits: AttemptLimits = field(default_factory=AttemptLimits)

    def __post_init__(self) -> None:
        self.account = an_account()
        self.account.frozen_at = self.clock.now() if self.frozen else None
        self.scheduler = CallbackScheduler(
            self.clock, self, self.body_of, RULES, self.on_attempt, limits=self.limits
        )

    async def body_of(self, task_id: str) -> bytes | None:
        if task_id.startswith("broken"):
            raise LookupError(task_id)
        return None if task_id.startswith("dropped") else task_id.encode()

    async def advance(self, until: float) -> None:
        """Move the time of the account, with all that falls due on the way."""
        await self.scheduler.advance(self.account, until)

    async def send(self, target: ParsedUrl, body: bytes, at: float) -> Attempt:
        name = body.decode()
        assert target == owed(name).target
        self.calls.append((at, name))
        self.news.set()
        if self.meet:
            await self.meet(name)
        answers = self.statuses.get(name)
        return Attempt(at, 0.1, answers.pop(0) if answers else 200, None)

    def on_attempt(self, account: Account, delivery: Delivery, attempt: Attempt) -> None:
        assert account is self.account
        assert delivery.attempts[-1] is attempt
        self.heard.append((delivery.task_id, len(delivery.attempts), attempt.problem, delivery.due))
        self.news.set()
        if delivery.task_id.startswith("grumpy"):
            raise LookupError(delivery.task_id)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.news.clear()
                await self.news.wait()

    def schedule(self, **ends: float) -> None:
        for name, ended_at in ends.items():
            self.scheduler.put(self.account, replace(owed(name), due=ended_at))


async def _alone(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.timeout(10):
        await scene()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(_alone(scene))


def test_a_failure_is_retried_after_one_two_and_four_seconds_and_then_given_up() -> None:
    world = World({"a": [500, 302, 404, 503]})
    world.schedule(a=100.0)
    play(lambda: world.advance(1000.0))
    assert world.calls == [(100.0, "a"), (101.0, "a"), (103.0, "a"), (107.0, "a")]
    assert [due for *_, due in world.heard] == [101.0, 103.0, 107.0, None]
    assert world.scheduler.pending() == []


def test_a_success_ends_it() -> None:
    world = World({"a": [500, 204]})
    world.schedule(a=100.0)
    play(lambda: world.advance(1000.0))
    assert world.heard == [("a", 1, None, 101.0), ("a", 2, None, None)]


def test_nothing_happens_before_its_time() -> None:
    world = World({"a": [500]})
    world.schedule(a=100.0, b=102.0)
    play(lambda: world.advance(100.5))
    assert world.calls == [(100.0, "a")]
    assert [(due, delivery.task_id) for due, delivery in world.scheduler.pending()] == [
        (101.0, "a"),
        (102.0, "b"),
    ]


def test_a_retry_takes_its_place_among_the_others() -> None:
    world = World({"a": [500]})
    world.schedule(c=101.5, b=100.5, a=100.0)
    play(lambda: world.advance(200.0))
    assert world.calls == [(100.0, "a"), (100.5, "b"), (101.0, "a"), (101.5, "c")]


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from("abcde"),
        st.tuples(st.integers(0, 9), st.lists(st.sampled_from([200, 302, 500]), max_size=5)),
        min_size=1,
    ),
    st.lists(st.integers(0, 20)),
)
def test_time_in_steps_does_what_time_in_one_go_does(
    tasks: dict[str, tuple[int, list[int]]], steps: list[int]
) -> None:
    def world() -> World:
        made = World({name: list(statuses) for name, (_, statuses) in tasks.items()})
        made.schedule(**{name: float(end) for name, (end, _) in tasks.items()})
        return made

    async def stepwise() -> None:
        for step in [*sorted(steps), 100]:
            await in_steps.advance(step)

    in_one_go, in_steps = world(), world()
    play(lambda: in_one_go.advance(100))
    play(stepwise)
    assert in_steps.calls == in_one_go.calls == sorted(in_one_go.calls, key=lambda call: call[0])


def test_what_is_due_at_one_instant_is_done_together() -> None:
    both = asyncio.Barrier(2)

    async def meet(_: str) -> None:
        async with asyncio.timeout(5), both:
            pass

    world = World(meet=meet)
    world.schedule(a=100.0, b=100.0)
    play(lambda: world.advance(100.0))
    assert len(world.heard) == 2


def test_whoever_asks_second_waits_for_what_the_first_began() -> None:
    gate = asyncio.Event()

    async def meet(_: str) -> None:
        await gate.wait()

    async def scene() -> None:
        first = asyncio.create_task(world.advance(100.0))
        await world.until(lambda: bool(world.calls))
        second = asyncio.create_task(world.advance(100.0))
        await asyncio.sleep(0)
        assert not second.done()
        gate.set()
        await asyncio.gather(first, second)
        assert len(world.heard) == 1

    world = World(meet=meet)
    world.schedule(a=100.0)
    play(scene)


def test_who_stops_waiting_stops_no_attempt() -> None:
    gate = asyncio.Event()

    async def meet(_: str) -> None:
        await gate.wait()

    async def scene() -> None:
        waiting = asyncio.create_task(world.advance(100.0))
        await world.until(lambda: bool(world.calls))
        waiting.cancel()
        gate.set()
        await world.advance(100.0)
        assert len(world.heard) == len(world.calls) == 1

    world = World(meet=meet)
    world.schedule(a=100.0)
    play(scene)


def running(world: World, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def scene() -> None:
        loop = asyncio.create_task(world.scheduler.run())
        await act()
        await world.scheduler.close(0)
        await loop

    play(scene)


def test_the_loop_attempts_when_the_clock_gets_there() -> None:
    async def act() -> None:
        world.schedule(a=100.0)
        world.clock.advance(99.0)
        await asyncio.sleep(0)
        assert world.calls == []
        world.clock.advance(1.0)
        await world.until(lambda: bool(world.heard))
        assert world.calls == [(100.0, "a")]

    world = World(frozen=False)
    running(world, act)


def test_the_loop_wakes_for_something_earlier() -> None:
    async def act() -> None:
        world.schedule(late=100.0)
        await asyncio.sleep(0)
        world.schedule(early=50.0)
        world.clock.advance(50.0)
        await world.until(lambda: bool(world.heard))
        assert world.calls == [(50.0, "early")]

    world = World(frozen=False)
    running(world, act)


def test_the_loop_rests_between_two_instants() -> None:
    class Watched(VirtualClock):
        reads = 0

        def now(self) -> float:
            self.reads += 1
            return super().now()

    async def act() -> None:
        world.schedule(a=100.0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert clock.reads < 5

    clock = Watched(0.0)
    world = World(clock=clock, frozen=False)
    running(world, act)


def test_a_retry_is_counted_from_the_end_of_the_failure() -> None:
    async def meet(_: str) -> None:
        world.clock.advance(3.0)

    async def act() -> None:
        world.schedule(a=0.0)
        await world.until(lambda: bool(world.heard))
        assert world.heard == [("a", 1, None, 4.0)]

    world = World({"a": [500]}, meet, frozen=False)
    running(world, act)


def test_a_slow_receiver_delays_nobody() -> None:
    async def meet(name: str) -> None:
        if name == "slow":
            await asyncio.Event().wait()

    async def act() -> None:
        world.schedule(slow=0.0)
        await world.until(lambda: bool(world.calls))
        world.schedule(quick=0.0)
        await world.until(lambda: bool(world.heard))
        assert world.heard == [("quick", 1, None, None)]
        assert [delivery.task_id for _, delivery in world.scheduler.pending()] == ["slow"]

    world = World(meet=meet, frozen=False)
    running(world, act)


def test_a_system_clock_moves_the_loop_by_itself() -> None:
    async def scene() -> None:
        clock = SystemClock(0.0, scale=1000.0)
        scheduler = CallbackScheduler(clock, world, world.body_of, RULES, world.on_attempt)
        scheduler.put(world.account, replace(owed("a"), due=5.0))
        loop = asyncio.create_task(scheduler.run())
        await world.until(lambda: len(world.heard) == 2)
        await scheduler.close(0)
        await loop

    world = World({"a": [500]}, frozen=False)
    play(scene)
    (first, _), (second, _) = world.calls
    assert first >= 5.0
    assert second >= first + 1.0


def test_a_delivery_of_a_dropped_account_is_dropped() -> None:
    world = World()
    world.schedule(dropped=0.0)
    play(lambda: world.advance(0.0))
    assert (world.calls, world.heard, world.scheduler.pending()) == ([], [], [])


def test_a_mistake_in_the_body_is_a_problem_of_that_attempt_only() -> None:
    world = World()
    world.schedule(broken=0.0, a=0.0)
    play(lambda: world.advance(0.0))
    assert sorted(world.heard) == [
        ("a", 1, None, None),
        ("broken", 1, "internal error: LookupError('broken')", 1.0),
    ]


def test_a_mistake_of_who_hears_of_it_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World({"grumpy": [500]})
    world.schedule(grumpy=0.0, a=0.0)
    play(lambda: world.advance(10.0))
    assert world.calls == [(0.0, "grumpy"), (0.0, "a"), (1.0, "grumpy")]
    assert "task grumpy" in caplog.text


def closing(world: World, grace: float) -> list[str]:
    left: list[Delivery] = []

    async def scene() -> None:
        left.extend(await world.scheduler.close(grace))

    play(scene)
    return [delivery.task_id for delivery in left]


def test_closing_attempts_what_is_due_and_reports_the_rest_in_order() -> None:
    async def meet(_: str) -> None:
        for _turn in range(9):
            await asyncio.sleep(0)

    world = World({"failing": [500]}, meet)
    world.schedule(later=50.0, soon=20.0, due=0.0, failing=0.0)
    assert closing(world, 5) == ["failing", "soon", "later"]
    assert [name for _, name in world.calls] == ["due", "failing"]


@pytest.mark.parametrize("grace", [0, 0.01])
def test_closing_cancels_and_reports_what_does_not_end_in_time(grace: float) -> None:
    async def meet(_: str) -> None:
        await asyncio.Event().wait()

    world = World(meet=meet)
    world.schedule(**{f"t{n}": 0.0 for n in range(AttemptLimits().share + 1)})
    assert len(closing(world, grace)) == AttemptLimits().share + 1
    assert world.heard == []


def test_nothing_is_attempted_after_closing() -> None:
    async def scene() -> None:
        await world.scheduler.close(0)
        world.schedule(a=0.0)
        await world.scheduler.run()
        await world.advance(10.0)
        assert [delivery.task_id for delivery in await world.scheduler.close(0)] == ["a"]

    world = World()
    play(scene)
    assert world.calls == []


def test_a_cancelled_loop_leaves_no_task_behind() -> None:
    async def scene() -> None:
        loop = asyncio.create_task(world.scheduler.run())
        await asyncio.sleep(0)
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop

    world = World()
    world.schedule(a=100.0)
    play(scene)


def test_a_real_receiver_that_fails_twice_is_called_three_times() -> None:
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.readexactly(1))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (500 if len(bodies) < 3 else 200))
        await writer.drain()
        writer.close()

    async def scene() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
            sender = CallbackSender(RULES, [Allowed("127.0.0.1", None)])
            scheduler = CallbackScheduler(world.clock, sender, world.body_of, RULES, world.on_attempt)
            scheduler.put(world.account, replace(a_delivery("a", url), due=100.0))
            await scheduler.advance(world.account, 1000.0)

    world = World()
    play(scene)
    assert bodies == [b"a", b"a", b"a"]
    assert [due for *_, due in world.heard] == [101.0, 103.0, None]
