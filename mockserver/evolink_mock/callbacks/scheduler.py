"""Attempt to deliver each callback when it is due. Each account has a queue."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from evolink_mock.callbacks.account_queue import AccountQueue, Entry
from evolink_mock.callbacks.fair_queue import AttemptLimits, FairQueue
from evolink_mock.domain.accounts import instant_of
from evolink_mock.domain.deliveries import Attempt, Delivery
from evolink_mock.domain.retry_schedule import conclude

if TYPE_CHECKING:
    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.parsed_url import ParsedUrl

BodyOf = Callable[[str], Awaitable[bytes | None]]
OnAttempt = Callable[["Account", Delivery, Attempt], None]

_ROUNDING_SECONDS = 1e-6  # the rounding error between two clocks
_CANCEL_SECONDS = 1.0  # time for cancelled attempts to end

_log = logging.getLogger(__name__)


def _ignore() -> None:
    pass  # the default of `moved` in `advance`


class Sender(Protocol):
    """The method of `CallbackSender` that a scheduler needs."""

    async def send(self, target: ParsedUrl, body: bytes, at: float) -> Attempt:
        """Make one attempt. If no response arrives, `problem` of the returned attempt states the reason."""
        ...


class CallbackScheduler:
    """Attempts each delivery when it is due (clause `callback.at-end`), and repeats failed attempts.

    `run` makes the attempts of accounts with running clocks. If an account's clock is frozen, `run_due` and `advance`
    make its attempts. `body_of(task_id)` returns the body to send, or None if the task no longer exists.
    `on_attempt(account, delivery, attempt)` is called after each attempt. `delivery` has the state after the attempt.
    If `run` is cancelled, attempts in progress continue until `close` is called.
    """

    def __init__(  # noqa: PLR0913  (what it calls, and its limits)
        self,
        clock: Clock,
        sender: Sender,
        body_of: BodyOf,
        rules: CallbackRules,
        on_attempt: OnAttempt,
        *,
        limits: AttemptLimits | None = None,
    ) -> None:
        self._clock = clock
        self._sender = sender
        self._body_of = body_of
        self._rules = rules
        self._on_attempt = on_attempt
        self._queues: dict[str, AccountQueue] = {}  # by token
        self._alarms: list[tuple[float, int, AccountQueue]] = []  # a heap: time, unique number, queue
        self._fair_queue = FairQueue(limits or AttemptLimits())
        self._numbers = itertools.count()
        self._attempts: set[asyncio.Task[Attempt | None]] = set()
        self._ended = asyncio.Event()  # set by each attempt that ends
        self._wake = asyncio.Event()
        self._closing = self._closed = False

    def put(self, account: Account, delivery: Delivery) -> None:
        """Schedule the next attempt of a delivery. A finished delivery is ignored."""
        if delivery.due is not None:  # None if the delivery is finished
            self._put(self._queue(account), Entry(delivery.due, next(self._numbers), delivery))

    def reschedule(self, account: Account, task_id: str, due: float) -> None:
        """Change the time of the next attempt of a task's delivery to `due`.

        Does nothing if an attempt of the delivery is in progress.
        """
        queue = self._queue(account)
        queue.reschedule(task_id, due)
        self._set_alarm(queue)

    def clock_changed(self, account: Account) -> None:
        """Reschedule an account's deliveries after its clock was moved, frozen or resumed."""
        queue = self._queue(account)
        queue.wakes_at = math.inf
        self._set_alarm(queue)

    def discard(self, account: Account) -> None:
        """Forget the deliveries of an account. Results of attempts in progress are ignored."""
        queue = self._queues.pop(account.token, None)
        if queue is not None:
            queue.discarded = True
            self._ended.set()

    async def attempt_now(self, account: Account, delivery: Delivery) -> None:
        """Make one attempt of a delivery immediately, without retries.

        Returns when the attempt has ended.
        """
        queue = self._queue(account)
        entry = Entry(self._now(queue), next(self._numbers), delivery)
        self._fair_queue.begin(queue, entry)
        await asyncio.wait((self._start(queue, entry, retried=False),))

    def pending(self) -> list[tuple[float, Delivery]]:
        """Return the unfinished deliveries with their due times, in the order of these times."""
        entries = sorted(entry for queue in self._queues.values() for entry in queue.entries())
        return [(entry.due, entry.delivery) for entry in entries]

    async def run(self) -> None:
        """Attempt deliveries when they are due, until `close` is called."""
        while not self._closing:
            self._wake.clear()
            now = self._clock.now()
            while self._alarms and self._alarms[0][0] <= now:
                instant, _, queue = heapq.heappop(self._alarms)
                if queue.wakes_at == instant and not queue.discarded:  # otherwise, this alarm is out of date
                    queue.wakes_at = math.inf
                    self._release(queue)
                    self._set_alarm(queue, now + _ROUNDING_SECONDS)
            self._start_due()
            await self._wait_for_alarm()

    async def run_due(self, account: Account) -> None:
        """Attempt the due deliveries of an account.

        Returns when no delivery is due and no attempt is in progress.
        """
        queue = self._queue(account)
        while not (self._closed or queue.discarded):
            self._release(queue)
            if queue.is_quiet:
                return
            self._start_due()
            self._ended.clear()
            await self._ended.wait()

    async def advance(self, account: Account, target: float, moved: Callable[[], None] = _ignore) -> bool:
        """Move the frozen clock of an account to `target`. Attempt deliveries when they become due.

        The clock moves to each due time in turn, and then to `target`. `moved` is called after each of these moves. The
        clock does not advance during the attempts. Attempts with the same due time run concurrently. Returns False if
        the account was deleted in the meantime.
        """
        queue = self._queue(account)
        await self.run_due(account)  # attempts that were in progress when the clock was frozen
        while not (self._closed or queue.discarded):
            due = queue.next_due
            if due is None or due > target:
                account.frozen_at = target
                moved()
                break
            account.frozen_at = max(due, self._now(queue))
            moved()
            await self.run_due(account)
        return not queue.discarded

    async def close(self, grace: float) -> list[Delivery]:
        """Attempt the due deliveries for at most `grace` real seconds. Then cancel the attempts.

        Returns the unfinished deliveries in the order of their due times. If an attempt was cancelled, the receiver may
        have received the callback.
        """
        if not self._closed:
            for queue in self._queues.values():
                self._release(queue)
        self._closing = True
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                self._start_due()
                while self._attempts:
                    await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)
        self._closed = True
        self._ended.set()
        for task in (unfinished := tuple(self._attempts)):
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=_CANCEL_SECONDS)
        return [delivery for _, delivery in self.pending()]

    def _queue(self, account: Account) -> AccountQueue:
        queue = self._queues.get(account.token)
        if queue is None:
            queue = self._queues[account.token] = AccountQueue(account)
        return queue

    def _now(self, queue: AccountQueue) -> float:
        return instant_of(queue.account, self._clock.now())

    def _put(self, queue: AccountQueue, entry: Entry) -> None:
        queue.put(entry)
        self._set_alarm(queue)

    def _set_alarm(self, queue: AccountQueue, earliest: float = -math.inf) -> None:
        # `earliest` and the alarm are times on the server's clock, `next_due` is a time on the account's clock.
        due = queue.next_due
        if due is None or due == math.inf or queue.is_frozen:
            return
        if queue.account.shift:
            due -= queue.account.shift + _ROUNDING_SECONDS
        due = max(due, earliest)
        if due < queue.wakes_at:
            queue.wakes_at = due
            heapq.heappush(self._alarms, (due, next(self._numbers), queue))
            if self._alarms[0][2] is queue:
                self._wake.set()

    def _release(self, queue: AccountQueue) -> None:
        self._fair_queue.release(queue, self._now(queue))

    def _start_due(self) -> None:
        while not self._closed and (turn := self._fair_queue.take()) is not None:
            self._start(*turn)

    def _start(
        self, queue: AccountQueue, entry: Entry, *, retried: bool = True
    ) -> asyncio.Task[Attempt | None]:
        task = asyncio.create_task(self._attempt(queue, entry.delivery))
        self._attempts.add(task)
        task.add_done_callback(partial(self._end, queue, entry, retried))
        return task

    async def _attempt(self, queue: AccountQueue, delivery: Delivery) -> Attempt | None:
        at = self._now(queue)
        try:
            body = await self._body_of(delivery.task_id)
            return None if body is None else await self._sender.send(delivery.target, body, at)
        except Exception as error:  # noqa: BLE001 - a bug must be reported, and must not stop other deliveries
            return Attempt(at, 0.0, None, f"internal error: {error!r}")

    def _end(
        self,
        queue: AccountQueue,
        entry: Entry,
        retried: bool,  # noqa: FBT001  (bound by `partial`)
        task: asyncio.Task[Attempt | None],
    ) -> None:
        # No `await` up to `_put`, because `pending` could miss the delivery in between.
        self._attempts.remove(task)
        self._fair_queue.end(queue, entry)
        if not queue.discarded:
            if task.cancelled():  # perhaps before its first step
                self._put(queue, entry)
            elif (attempt := task.result()) is not None:
                self._fair_queue.record(entry.delivery, attempt)
                self._conclude(queue, entry.delivery, attempt, retried=retried)
        self._start_due()
        self._ended.set()

    def _conclude(self, queue: AccountQueue, before: Delivery, attempt: Attempt, *, retried: bool) -> None:
        delivery = conclude(before, attempt, self._rules, self._now(queue), retried=retried)
        self.put(queue.account, delivery)
        try:
            self._on_attempt(queue.account, delivery, attempt)
        except Exception:  # noqa: BLE001 - a bug must be reported, and must not stop other deliveries
            _log.exception("recording an attempt failed, task %s", delivery.task_id)

    async def _wait_for_alarm(self) -> None:
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._wake.wait())]
        if self._alarms:
            waits.append(asyncio.create_task(self._clock.sleep_until(self._alarms[0][0])))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
