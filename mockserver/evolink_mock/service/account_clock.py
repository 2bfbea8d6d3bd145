"""The time of an account. A test can freeze, set and advance the time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from evolink_mock.domain.accounts import instant_of
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.service.moving import ClockBusyError, moving_in
from evolink_mock.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from evolink_mock.callbacks.leased_scheduler import LeasedScheduler
    from evolink_mock.callbacks.scheduler import CallbackScheduler
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import IsTaken, SharedStore
    from evolink_mock.domain.tasks import Task
    from evolink_mock.service.notifier import Notifier

    Scheduler = CallbackScheduler | LeasedScheduler

EventKind = Literal["task.processing", "task.completed", "task.failed", "callback.attempt", "link.expired"]
# The order of events at the same time. Among events of equal rank, the event of the older task comes first.
_RANKS = {
    "task.processing": 0,
    "task.completed": 1,
    "task.failed": 1,
    "callback.attempt": 2,
    "link.expired": 3,
}
LAST = 9_999_999_999.0  # the maximum time in Unix seconds, because the time in a task id has ten digits
_TURN_SECONDS = 1.0  # maximum real time for which a caller waits until another caller has moved the clock


class Event(Struct, frozen=True):
    """An event that occurred while `advance` or `set_time` moved the clock, such as the end of a task."""

    at: float
    what: EventKind
    task_id: str
    status: int | None = None  # of the response to a callback
    problem: str | None = None  # the reason why a callback got no response


class ShiftedClock:
    """A clock that is ahead of another clock by `shift` seconds."""

    def __init__(self, clock: Clock, shift: float) -> None:
        self._clock = clock
        self._shift = shift

    def now(self) -> float:
        """Return the current time in Unix seconds."""
        return self._clock.now() + self._shift

    async def sleep_until(self, instant: float) -> None:
        """Wait until `now()` has reached `instant`."""
        while self.now() < instant:  # a loop, because adding the shift causes rounding errors
            await self._clock.sleep_until(max(instant - self._shift, self._clock.now() + 1e-6))


class AccountClocks:
    """The clocks of all accounts. A clock shows the server's time until it is frozen, set or advanced."""

    def __init__(
        self, clock: Clock, store: MemoryStore | SharedStore, scheduler: Scheduler, notifier: Notifier
    ) -> None:
        self._clock = clock
        self._store = store
        self._shared = None if isinstance(store, MemoryStore) else store
        self._scheduler = scheduler
        self._notifier = notifier
        self._locks: dict[str, asyncio.Lock] = {}

    def now(self, account: Account) -> float:
        """Return the current time of an account in Unix seconds."""
        return instant_of(account, self._clock.now())

    async def sleep_until(self, account: Account, instant: float) -> None:
        """Wait until the account's clock has reached `instant`. The clock must not be frozen."""
        await ShiftedClock(self._clock, account.shift).sleep_until(instant)

    async def is_moving(self, account: Account) -> bool:
        """Return whether a caller is moving the account's clock at present.

        The caller may be in any process.
        """
        lock = self._locks.get(account.token)
        if lock is not None and lock.locked():
            return True
        return (
            self._shared is not None
            and account.mover != ""
            and await self._shared.leases.is_alive(account.mover)
        )

    @asynccontextmanager
    async def moving(self, account: Account) -> AsyncIterator[None]:
        """Return a context manager that locks the account's clock for its block.

        While the caller has the lock, no other caller can move the clock. Raises `ClockBusyError` if the lock is not
        free after a second.
        """
        token = account.token
        lock = self._locks.setdefault(token, asyncio.Lock())
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise ClockBusyError from None
        try:
            if self._shared is None:
                yield
            else:
                async with moving_in(self._shared, token, _TURN_SECONDS):
                    yield
        finally:
            lock.release()
            self._notifier.notify(token)  # the requests in `waiting.wait` check their conditions again

    async def freeze(self, account: Account) -> None:
        """Stop the account's clock at the current simulated time."""
        async with self.moving(account):
            await self._freeze(account.token)

    async def advance(self, account: Account, seconds: float) -> list[Event]:
        """Freeze the account's clock and move it forward. Return the events in order of time.

        Callbacks and retries are really sent when the clock shows their due time. Raises ValueError if `seconds` is
        negative. Raises ValueError if the new time has more than ten digits. Raises `ClockBusyError` if another caller
        is moving the clock.
        """
        async with self.moving(account):
            frozen = await self._freeze(account.token)
            return await self._move(frozen, self.now(frozen) + seconds)

    async def set_time(self, account: Account, instant: float) -> list[Event]:
        """Freeze the account's clock and move it to `instant` (Unix seconds), like `advance`.

        Raises ValueError for a time in the past.
        """
        async with self.moving(account):
            return await self._move(await self._freeze(account.token), instant)

    async def resume(self, account: Account) -> None:
        """Let the account's clock run again, from the time that it shows now."""

        def step(account: Account, _: IsTaken) -> Change:
            if account.frozen_at is not None:
                account.shift, account.frozen_at = account.frozen_at - self._clock.now(), None
            return NO_CHANGE

        async with self.moving(account):
            await self._store.change(account.token, step)
            self._scheduler.clock_changed(await self._store.account(account.token))

    async def drop(self, account: Account) -> None:
        """Delete an account with its tasks, callbacks and journal.

        If a callback is being sent at that moment, its result is ignored.
        """
        self._scheduler.discard(account)
        self._locks.pop(account.token, None)
        await self._store.drop(account.token)
        self._notifier.notify(account.token)

    async def _freeze(self, token: str) -> Account:

        def step(account: Account, _: IsTaken) -> Change:
            account.frozen_at = self.now(account)
            return NO_CHANGE

        await self._store.change(token, step)
        account = await self._store.account(token)
        self._scheduler.clock_changed(account)
        return account

    async def _move(self, account: Account, target: float) -> list[Event]:
        start, token = self.now(account), account.token
        if not start <= target <= LAST:
            raise ValueError(
                f"time only moves forward, from {start:.3f} to at most {LAST:.0f}; {target:.3f} is out of range"
            )
        counts_before = {owed.task_id: len(owed.attempts) for owed in await self._store.deliveries(token)}
        if not await self._scheduler.advance(account, target, lambda: self._notifier.notify(token)):
            return []  # the account was dropped, and its token may belong to a new account
        events = [
            event for task in await self._store.tasks(token) for event in _transitions(task, start, target)
        ]
        for delivery in await self._store.deliveries(token):
            events += _new_attempts(delivery, counts_before)
        return sorted(events, key=lambda event: (event.at, _RANKS[event.what]))


def _transitions(task: Task, start: float, target: float) -> Iterator[Event]:
    timetable = task.timetable
    transitions: list[tuple[float, EventKind]] = [(timetable.starts, "task.processing")]
    if timetable.outcome.failure is not None:
        transitions.append((timetable.ends, "task.failed"))
    else:
        transitions += [(timetable.ends, "task.completed"), (timetable.expires, "link.expired")]
    return (Event(at, what, task.id) for at, what in transitions if start < at <= target)


def _new_attempts(delivery: Delivery, counts_before: Mapping[str, int]) -> Iterator[Event]:
    for attempt in delivery.attempts[counts_before.get(delivery.task_id, 0) :]:
        yield Event(attempt.at, "callback.attempt", delivery.task_id, attempt.status, attempt.problem)
