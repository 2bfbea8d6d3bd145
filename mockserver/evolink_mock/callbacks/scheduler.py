"""The agenda of callbacks: one heap, one loop. A task without a callback costs nothing here."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evolink_mock.domain.deliveries import Attempt, Delivery, after, next_due

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.clock import Clock

BodyOf = Callable[[str], Awaitable[bytes | None]]
OnAttempt = Callable[[Delivery, Attempt, float | None], None]

AT_ONCE = 128  # attempts under way: each holds a socket, and starting many at one time holds up the loop
_Entry = tuple[float, int, Delivery]  # when it is due; which came first; what

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Flight:
    """An attempt under way: whose it is now, and the instant it is at, None for whenever the clock says."""

    entry: _Entry
    instant: float | None
    agenda: CallbackScheduler
    last: bool = False  # it is not retried
    heard: bool = True  # whether anybody still wants to know what becomes of it

    def ended(self, task: asyncio.Task[Attempt | None]) -> None:
        """Tell the agenda that it belongs to by then."""
        self.agenda._ended(task)  # noqa: SLF001  (a part of it)


class Delivers(Protocol):
    """What the agenda needs of a `Courier`."""

    async def deliver(self, url: str, body: bytes, at: float) -> Attempt:
        """Try once; a failure is in the Attempt."""
        ...


class CallbackScheduler:
    """Attempts each delivery when it falls due, and again as the rules say (clause `callback.at-end`).

    Use `run` with a clock that moves by itself, `run_due` with one that is told to. `close` ends both; before
    it, attempts under way go on even when `run` is cancelled.

    `body_of(task_id)` is asked at the moment of an attempt; None means that anonymous waits for the delivery
    any more. `on_attempt(delivery, attempt, due)` hears of each attempt, with the delivery as it stands now
    and the instant of the next attempt, None when there is none.
    """

    def __init__(
        self, clock: Clock, courier: Delivers, body_of: BodyOf, rules: CallbackRules, on_attempt: OnAttempt
    ) -> None:
        self._clock = clock
        self._courier = courier
        self._body_of = body_of
        self._rules = rules
        self._on_attempt = on_attempt
        self._agenda: list[_Entry] = []
        self._order = itertools.count()
        self._under_way: dict[asyncio.Task[Attempt | None], _Flight] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()
        self._closed = False

    def schedule(self, delivery: Delivery, ended_at: float) -> None:
        """Put a delivery on the agenda; `ended_at` (Unix seconds, may be to come) is the end of its task."""
        due = next_due(delivery, self._rules, ended_at)
        if due is not None:
            self._put((due, next(self._order), delivery))

    def put(self, due: float, delivery: Delivery) -> None:
        """Put a delivery on the agenda for an instant that is decided already."""
        self._put((due, next(self._order), delivery))

    def withdraw(self, tasks: Container[str]) -> list[tuple[float, Delivery]]:
        """Take the deliveries of some tasks off the agenda, with their instants; attempts under way go on."""
        taken = [(due, delivery) for due, _, delivery in sorted(self._agenda) if delivery.task_id in tasks]
        self._agenda = [entry for entry in self._agenda if entry[2].task_id not in tasks]
        heapq.heapify(self._agenda)
        return taken

    def hand_over(self, tasks: Container[str], target: CallbackScheduler) -> None:
        """Give the attempts under way of some tasks to another agenda: it waits for them, and retries them."""
        for task, flight in tuple(self._under_way.items()):
            if flight.entry[2].task_id in tasks:
                flight.agenda = target
                target._under_way[task] = self._under_way.pop(task)

    def abandon(self, tasks: Container[str]) -> None:
        """Hear no more of the attempts under way of some tasks."""
        for flight in self._under_way.values():
            if flight.entry[2].task_id in tasks:
                flight.heard = False

    def dues(self, tasks: Container[str]) -> dict[str, float]:
        """The next instant of each of some tasks that has one; of an attempt under way, when it was due."""
        return {
            delivery.task_id: due for due, delivery in reversed(self.pending()) if delivery.task_id in tasks
        }

    async def replay(self, delivery: Delivery) -> None:
        """Attempt a delivery once, now, whatever became of it; return when that is over."""
        now = self._clock.now()
        await asyncio.wait((self._start((now, next(self._order), delivery), now, last=True),))

    def next_due(self) -> float | None:
        """The first instant on the agenda; None when nothing will be attempted any more."""
        return self._agenda[0][0] if self._agenda and not self._closed else None

    def pending(self) -> list[tuple[float, Delivery]]:
        """Give what is not finished, the attempts under way included, each with its instant, in order."""
        under_way = (flight.entry for flight in self._under_way.values() if flight.heard)
        entries = sorted([*self._agenda, *under_way])
        return [(due, delivery) for due, _, delivery in entries]

    async def run(self) -> None:
        """Attempt what falls due, as the clock moves, until `close`. Attempts do not wait for each other."""
        while not self._closed:
            self._wake.clear()
            for entry in self._take(self._clock.now()):
                self._start(entry, None)
            await self._until_next()

    async def run_due(self, until: float) -> None:
        """Do all that is due by `until` (Unix seconds), retries that fall due by then too; return when done.

        In order of time, and an exchange takes none of it: what is due at one instant is done together and
        ends at that instant. Whoever calls this waits for the attempts of other callers too.
        """
        while not self._closed:
            if not self._under_way:
                if not self._agenda or self._agenda[0][0] > until:
                    return
                instant = self._agenda[0][0]
                for entry in self._take(instant):
                    self._start(entry, instant)
            await asyncio.wait(tuple(self._under_way))

    async def close(self, grace: float) -> list[Delivery]:
        """Attempt at once what is due, give attempts `grace` real seconds, cancel the rest.

        Returns the deliveries never finished, in the order they were due. A receiver may have got one whose
        attempt was cancelled.
        """
        if not self._closed:
            for entry in self._take(self._clock.now()):
                self._start(entry, None)
        self._closed = True
        self._wake.set()
        if self._under_way:
            await asyncio.wait(tuple(self._under_way), timeout=grace)
        for task in (rest := tuple(self._under_way)):
            task.cancel()
        if rest:
            await asyncio.wait(rest)
        return [delivery for _, delivery in self.pending()]

    def _put(self, entry: _Entry) -> None:
        heapq.heappush(self._agenda, entry)
        if self._agenda[0] is entry:
            self._wake.set()

    def _take(self, instant: float) -> Iterator[_Entry]:
        while self._agenda and self._agenda[0][0] <= instant:
            yield heapq.heappop(self._agenda)

    async def _until_next(self) -> None:
        """Wait for the first instant on the agenda, or for something earlier to be put there."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._wake.wait())]
        if self._agenda and self._agenda[0][0] < math.inf:
            waits.append(asyncio.create_task(self._clock.sleep_until(self._agenda[0][0])))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _start(
        self, entry: _Entry, instant: float | None, *, last: bool = False
    ) -> asyncio.Task[Attempt | None]:
        """Begin an attempt, at `instant`, or when the clock says for None; it is not retried when it is the `last`."""
        task = asyncio.create_task(self._attempt(entry[2], instant))
        flight = self._under_way[task] = _Flight(entry, instant, self, last)
        task.add_done_callback(flight.ended)
        return task

    async def _attempt(self, delivery: Delivery, instant: float | None) -> Attempt | None:
        async with self._slots:
            at = self._clock.now() if instant is None else instant
            try:
                body = await self._body_of(delivery.task_id)
                if body is None:
                    return None
                return await self._courier.deliver(delivery.url, body, at)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must be seen, and stop anonymous else
                return Attempt(at, 0.0, None, f"internal error: {error!r}")

    def _ended(self, task: asyncio.Task[Attempt | None]) -> None:
        """Put the retry on the agenda and tell; in one step, so `pending` never shows a delivery twice."""
        flight = self._under_way.pop(task)
        if not flight.heard:
            return
        if task.cancelled():  # perhaps before its first step
            self._put(flight.entry)
            return
        attempt = task.result()
        if attempt is None:
            return
        delivery = after(flight.entry[2], attempt)
        ended_at = self._clock.now() if flight.instant is None else flight.instant
        due = None if flight.last else next_due(delivery, self._rules, ended_at)
        if due is not None:
            self._put((due, next(self._order), delivery))
        try:
            self._on_attempt(delivery, attempt, due)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("hearing of an attempt failed, task %s", delivery.task_id)
