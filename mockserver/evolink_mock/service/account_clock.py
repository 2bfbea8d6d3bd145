"""An account's own time: frozen, set, advanced. `advance` returns when everything that fell due has happened."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from evolink_mock.domain.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.tasks import Task
    from evolink_mock.service.service import Service

What = Literal["task.processing", "task.completed", "task.failed", "callback.attempt", "link.expired"]
# What comes first of one instant; of the same rank, the older task.
_RANKS = {
    "task.processing": 0,
    "task.completed": 1,
    "task.failed": 1,
    "callback.attempt": 2,
    "link.expired": 3,
}
LAST = 9_999_999_999.0  # Unix seconds: an id has ten digits for its time


class Event(Struct, frozen=True):
    """Something that happened while time was advanced. `status` and `problem` are those of an attempt."""

    at: float
    what: What
    task_id: str
    status: int | None = None
    problem: str | None = None


class ShiftedClock:
    """Another clock, some seconds ahead of it or behind it: time that runs again, from where it was stopped."""

    def __init__(self, clock: Clock, shift: float) -> None:
        self._clock = clock
        self._shift = shift

    def now(self) -> float:
        """The instant it is."""
        return self._clock.now() + self._shift

    async def sleep_until(self, instant: float) -> None:
        """Return when `now()` has reached `instant`."""
        while self.now() < instant:  # what is added and taken away may be a rounding error apart
            await self._clock.sleep_until(max(instant - self._shift, self._clock.now() + 1e-6))


class AccountClocks:
    """Who moves the time of which account at this moment, and which agendas run beside the server's."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}

    def lock(self, account: Account) -> asyncio.Lock:
        """One at a time moves the time of an account."""
        return self._locks.setdefault(account.token, asyncio.Lock())

    def is_moving(self, account: Account) -> bool:
        """Whether somebody does."""
        lock = self._locks.get(account.token)
        return lock is not None and lock.locked()

    def run(self, service: Service, account: Account) -> None:
        """Let the agenda of an account run with its own clock."""
        self._runs[account.token] = asyncio.create_task(service.callback_service.agenda(account).run())

    def halt(self, account: Account) -> None:
        """Stop its agenda; attempts under way go on."""
        if (run := self._runs.pop(account.token, None)) is not None:
            run.cancel()

    def forget(self, account: Account) -> None:
        """Keep nothing of an account."""
        self.halt(account)
        self._locks.pop(account.token, None)

    async def close(self) -> None:
        """Wait for agendas that were closed."""
        runs = [*self._runs.values()]
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)


def now(service: Service, account: Account) -> float:
    """The instant it is for an account."""
    return (account.clock or service.clock).now()


def is_frozen(account: Account) -> bool:
    """Whether the account's time stands until it is advanced."""
    return isinstance(account.clock, VirtualClock)


async def next_due(service: Service, account: Account) -> float | None:
    """When something of the account's is called back next; None for never."""
    tasks = {task.id for task in await service.store.tasks(account.token)}
    first = min(service.callback_service.agenda(account).dues(tasks).values(), default=math.inf)
    return first if first < math.inf else None


@asynccontextmanager
async def moving(service: Service, account: Account) -> AsyncIterator[None]:
    """Be the one who moves the account's time; who waits for it to move hears when this is over."""
    try:
        async with service.times.lock(account):
            yield
    finally:
        service.notifier.notify(account.token)


async def freeze(service: Service, account: Account) -> None:
    """Stop the account's time where it is, and take its callbacks off the agenda of a clock that runs."""
    async with moving(service, account):
        await _freeze(service, account)


async def advance(service: Service, account: Account, seconds: float) -> list[Event]:
    """Move the account's time forward, and do what falls due on the way, each at its own instant, in order.

    Callbacks with their real HTTP exchange, retries included. What is a function of time (states, links,
    rate windows, credits that come back) needs nothing done. Who comes while somebody else advances waits.
    What happened, in order. ValueError for a negative number, or an instant after `LAST`.
    """
    async with moving(service, account):
        clock = await _freeze(service, account)
        return await _move(service, account, clock, clock.now() + seconds)


async def set_time(service: Service, account: Account, instant: float) -> list[Event]:
    """Move the account's time forward to an instant (Unix seconds), as `advance` does. ValueError for a past one."""
    async with moving(service, account):
        clock = await _freeze(service, account)
        return await _move(service, account, clock, instant)


async def resume(service: Service, account: Account) -> None:
    """Let the account's time run again, from where it stands: what is over stays over."""
    async with moving(service, account):
        if is_frozen(account):
            clock = ShiftedClock(service.clock, now(service, account) - service.clock.now())
            await _take(service, account, clock)
            service.times.run(service, account)


async def drop(service: Service, account: Account) -> None:
    """Forget an account with all that is its own; callbacks under way are not waited for, nor heard of."""
    tasks = {task.id for task in await service.store.tasks(account.token)}
    service.callback_service.agenda(account).abandon(tasks)
    service.callback_service.forget(account, tasks)
    service.times.forget(account)
    await service.store.drop(account.token)
    service.notifier.notify(account.token)


async def _freeze(service: Service, account: Account) -> VirtualClock:
    if isinstance(account.clock, VirtualClock):
        return account.clock
    clock = VirtualClock(now(service, account))
    service.times.halt(account)
    await _take(service, account, clock)
    return clock


async def _take(service: Service, account: Account, clock: Clock) -> None:
    """Give an account this clock, and an agenda that follows it, with all it owes and what is under way."""
    callback_service = service.callback_service
    before = callback_service.agenda(account)
    if account.clock is not None:
        await callback_service.rejoin(account)
    account.clock = clock
    await callback_service.part(account)
    tasks = {task.id for task in await service.store.tasks(account.token)}
    before.hand_over(tasks, callback_service.agenda(account))


async def _move(service: Service, account: Account, clock: VirtualClock, target: float) -> list[Event]:
    began = clock.now()
    if not began <= target <= LAST:
        raise ValueError(
            f"time moves forward, from {began:.3f} to {LAST:.0f} at most, and not to {target:.3f}"
        )
    known = {owed.task_id: len(owed.attempts) for owed in await service.store.deliveries(account.token)}
    agenda = service.callback_service.agenda(account)
    await agenda.run_due(began)  # what was under way when time stopped is waited for
    while (due := agenda.next_due()) is not None and due <= target:
        clock.advance(max(0.0, due - clock.now()))
        await agenda.run_due(due)
    if service.callback_service.agenda(account) is not agenda:
        return []  # the account was dropped meanwhile, and what has its token now is another
    clock.advance(target - clock.now())
    tasks = await service.store.tasks(account.token)
    found = [event for task in tasks for event in _turns(task, began, target)]
    found += [
        event for owed in await service.store.deliveries(account.token) for event in _tries(owed, known)
    ]
    return sorted(found, key=lambda event: (event.at, _RANKS[event.what]))


def _turns(task: Task, began: float, target: float) -> Iterator[Event]:
    """The turning points of a task after `began`, up to `target`."""
    plan = task.plan
    turns: list[tuple[float, What]] = [(plan.starts, "task.processing")]
    if plan.outcome.failure is not None:
        turns.append((plan.ends, "task.failed"))
    else:
        turns += [(plan.ends, "task.completed"), (plan.expires, "link.expired")]
    return (Event(at, what, task.id) for at, what in turns if began < at <= target)


def _tries(owed: Delivery, known: Mapping[str, int]) -> Iterator[Event]:
    """The attempts that are new."""
    for one in owed.attempts[known.get(owed.task_id, 0) :]:
        yield Event(one.at, "callback.attempt", owed.task_id, one.status, one.problem)
