"""Schedule the callbacks of a store that workers share. A worker leases each delivery before it attempts it.

Only the store knows all deliveries and their due times. A worker process keeps only the deliveries that it has leased.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from evolink_mock.callbacks.account_queue import AccountQueue, Entry
from evolink_mock.callbacks.fair_queue import AttemptLimits, FairQueue
from evolink_mock.domain.accounts import instant_of
from evolink_mock.domain.clock import sleep, stopwatch
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.retry_schedule import conclude
from evolink_mock.domain.store import NO_CHANGE, Change, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from evolink_spec.models import CallbackRules

    from evolink_mock.callbacks.scheduler import BodyOf, OnAttempt, Sender
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import Claim, IsTaken, SharedStore

T = TypeVar("T")
_POLL_SECONDS = 0.02  # real time between two polls of the store
_RENEW_SECONDS = 1.0  # real time between two renewals of the leases
_AGAIN_SECONDS = 0.25  # real time until the next poll if the store fails or nothing can be leased
_CANCEL_SECONDS = 1.0  # time for cancelled attempts to end

_log = logging.getLogger("evolink_mock.callbacks")


class LeasedScheduler:
    """Attempts each delivery when it is due, like `CallbackScheduler`, but shares the deliveries among workers.

    `changed` is called after each attempt, and when another worker has changed the store.
    """

    def __init__(  # noqa: PLR0913  (what it calls, and its limits)
        self,
        clock: Clock,
        store: SharedStore,
        sender: Sender,
        body_of: BodyOf,
        *,
        rules: CallbackRules,
        on_attempt: OnAttempt,
        changed: Callable[[], None],
        limits: AttemptLimits | None = None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._leases = store.leases
        self._sender = sender
        self._body_of = body_of
        self._rules = rules
        self._on_attempt = on_attempt
        self._changed = changed
        self._limits = limits or AttemptLimits()
        self._fair_queue = FairQueue(self._limits)
        self._queues: dict[str, AccountQueue] = {}
        self._held: Counter[tuple[str, str]] = Counter()  # number of leases, by token and receiver
        self._interruptions: dict[str, int] = {}  # by task: number of workers that died during the attempt
        self._numbers = itertools.count()
        self._attempts: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()  # set by each attempt that ends
        self._next_wake, self._is_stale = 0.0, True  # whether `_next_wake` must be read from the store again
        self._renew_at = self._claim_at = 0.0  # on the stopwatch
        self._closing = self._closed = False

    def put(self, account: Account, delivery: Delivery) -> None:
        """Note when a stored delivery is due, so that this worker polls the store for it in time."""
        due = delivery.due
        if due is not None and math.isfinite(due) and account.frozen_at is None:
            self._next_wake = min(self._next_wake, due - account.shift)

    def reschedule(self, account: Account, task_id: str, due: float) -> None:  # noqa: ARG002
        """Note that the due time of a delivery has changed in the store."""
        self._is_stale = True

    def clock_changed(self, account: Account) -> None:  # noqa: ARG002
        """Note that the clock of an account has changed in the store."""
        self._is_stale = True

    def discard(self, account: Account) -> None:
        """Forget the deliveries of an account, and ignore the results of its attempts in progress."""
        queue = self._queues.pop(account.token, None)
        if queue is not None:
            queue.discarded = True
            for entry in queue.entries():
                self._held[account.token, entry.receiver] -= 1
        self._ended.set()

    async def attempt_now(self, account: Account, delivery: Delivery) -> None:  # noqa: ARG002
        """Attempt a delivery once, immediately and without retries. Return when the attempt has ended."""
        claim = await self._leases.claim_one(delivery.task_id)
        if claim is not None:
            queue, entry = self._entry(claim)
            self._fair_queue.begin(queue, entry)
            await asyncio.wait((self._start(queue, entry, retried=False),))

    async def run(self) -> None:
        """Attempt deliveries when they are due, until `close` is called."""
        is_failing = False
        while not self._closing:
            pause = _POLL_SECONDS
            try:
                await self._look()
                is_failing = False
            except StoreError as error:
                if not is_failing:
                    _log.warning("callbacks are not delivered: %s", error)
                is_failing, pause = True, _AGAIN_SECONDS
            await sleep(pause)

    async def run_due(self, account: Account) -> None:
        """Attempt the due deliveries of a frozen account. Return when no worker has one left to attempt."""
        while not self._closed:
            self._ended.clear()
            claims = await self._leases.claim_frozen(account.token)
            self._hold(claims)
            self._start_due()
            if not claims and not await self._leases.is_attempting(account.token):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._ended.wait()

    async def advance(self, account: Account, target: float, moved: Callable[[], None]) -> bool:
        """Move the time of a frozen account to `target`, stopping whenever a delivery or a retry is due.

        On the account's clock, attempts take no time. After each move, `moved` is called. Returns False if the account
        was dropped.
        """
        await self.run_due(account)
        instant = account.frozen_at
        while not self._closed and instant is not None:
            due = await self._store.next_due(account.token)
            instant = target if due is None or due > target else max(due, instant)
            if not await self._set_time(account.token, instant):
                return False
            moved()
            if due is None or due > target:
                break
            await self.run_due(account)
        return True

    async def close(self, grace: float) -> list[Delivery]:
        """Wait up to `grace` seconds for the attempts in progress, cancel the others, and give up all leases.

        Returns an empty list, because the store keeps the unfinished deliveries.
        """
        self._closing = True
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=grace)
        self._closed = True
        self._ended.set()
        for task in (unfinished := tuple(self._attempts)):
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=_CANCEL_SECONDS)
        try:
            await self._leases.end()
        except StoreError as error:
            _log.warning("the leases of this process expire in a few seconds: %s", error)
        return []

    async def _look(self) -> None:
        """Poll the store: renew the leases, lease and attempt due deliveries, and report changes by other workers."""
        now = stopwatch()
        if now >= self._renew_at:
            await self._leases.renew()
            self._renew_at, self._is_stale = now + _RENEW_SECONDS, True
        await self._store.flush()
        if await self._store.has_changed():
            self._changed()
            self._is_stale = True
        if self._is_stale:
            wake = await self._leases.next_wake()
            self._next_wake, self._is_stale = math.inf if wake is None else wake, False
        server_now = self._clock.now()
        if self._next_wake <= server_now and self._claim_at <= now:
            claims = await self._leases.claim(server_now, self._limits.share, self._may_hold)
            self._claim_at = now if claims else now + _AGAIN_SECONDS
            self._is_stale = True
            self._hold(claims)
        self._start_due()

    def _may_hold(self, token: str, receiver: str) -> bool:
        return self._held[token, receiver] < self._limits.share

    def _hold(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            queue, entry = self._entry(claim)
            queue.put(entry)
            self._fair_queue.release(queue, math.inf)

    def _entry(self, claim: Claim) -> tuple[AccountQueue, Entry]:
        token, delivery = claim.account.token, claim.delivery
        queue = self._queues.get(token)
        if queue is None:
            queue = self._queues[token] = AccountQueue(claim.account)
        if claim.interruptions:
            self._interruptions[delivery.task_id] = claim.interruptions
        entry = Entry(delivery.due or 0.0, next(self._numbers), delivery)
        self._held[token, entry.receiver] += 1
        return queue, entry

    def _start_due(self) -> None:
        while not self._closing and (turn := self._fair_queue.take()) is not None:
            self._start(*turn)

    def _start(self, queue: AccountQueue, entry: Entry, *, retried: bool = True) -> asyncio.Task[None]:
        task = asyncio.create_task(self._attempt(queue, entry.delivery, retried=retried))
        self._attempts.add(task)
        task.add_done_callback(partial(self._end, queue, entry))
        return task

    async def _attempt(self, queue: AccountQueue, delivery: Delivery, *, retried: bool) -> None:
        token = queue.account.token
        if not await self._until_stored(lambda: self._leases.begin(delivery)):
            return  # the account was dropped
        attempt = await self._send(token, delivery)
        if attempt is None:
            await self._leases.release(delivery)
            return
        ended_at = await self._until_stored(lambda: self._now(token))
        after = conclude(delivery, attempt, self._rules, ended_at, retried=retried)
        is_stored = not queue.discarded and await self._until_stored(
            lambda: self._leases.conclude(token, delivery, after)
        )
        if is_stored:
            self._is_stale = True
            self._on_attempt(queue.account, after, attempt)
            self._changed()

    async def _send(self, token: str, delivery: Delivery) -> Attempt | None:
        at = await self._until_stored(lambda: self._now(token))
        try:
            body = await self._until_stored(lambda: self._body_of(delivery.task_id))
            if body is None:
                return None
            attempt = await self._sender.send(delivery.target, body, at)
        except Exception as error:  # noqa: BLE001 - a bug must be reported, and must not stop other deliveries
            attempt = Attempt(at, 0.0, None, f"internal error: {error!r}")
        self._fair_queue.record(delivery, attempt)
        return replace(attempt, repeated=self._interruptions.get(delivery.task_id, 0))

    def _end(self, queue: AccountQueue, entry: Entry, task: asyncio.Task[None]) -> None:
        self._attempts.remove(task)
        self._fair_queue.end(queue, entry)
        self._interruptions.pop(entry.delivery.task_id, None)
        if not queue.discarded:
            self._held[queue.account.token, entry.receiver] -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("recording an attempt failed, task %s: %r", entry.delivery.task_id, error)
        if queue.is_quiet and self._queues.get(queue.account.token) is queue:
            del self._queues[queue.account.token]
        self._claim_at = 0.0
        self._start_due()
        self._ended.set()

    async def _now(self, token: str) -> float:
        return instant_of(await self._store.account(token), self._clock.now())

    async def _set_time(self, token: str, instant: float) -> bool:
        """Set a frozen account's time. Return False if the account was dropped or another worker moves its time."""
        is_moved = False

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal is_moved
            is_moved = account.mover == self._store.worker
            if is_moved:
                account.frozen_at = instant
            return NO_CHANGE

        await self._store.change(token, step)
        return is_moved

    async def _until_stored(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat a call of the store until the store can be used. Return the result of the call."""
        while True:
            try:
                return await call()
            except StoreError:
                await sleep(_AGAIN_SECONDS)
