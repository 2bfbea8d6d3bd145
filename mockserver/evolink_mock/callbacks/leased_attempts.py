"""Attempt the deliveries that this worker process has leased from a shared store."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from evolink_mock.callbacks.account_queue import AccountQueue, Entry
from evolink_mock.callbacks.fair_queue import AttemptLimits, FairQueue
from evolink_mock.domain.accounts import instant_of
from evolink_mock.domain.clock import sleep
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.retry_schedule import conclude
from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from evolink_spec.models import CallbackRules

    from evolink_mock.callbacks.scheduler import BodyOf, OnAttempt, Sender
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import Claim, SharedStore

T = TypeVar("T")
_AGAIN_SECONDS = 0.25  # real time until a call is repeated if the store fails
_CANCEL_SECONDS = 1.0  # time for cancelled attempts to end

_log = logging.getLogger("evolink_mock.callbacks")


class LeasedAttempts:
    """Attempts the deliveries that this worker has leased, and stores the results.

    The function `ended` is called after each attempt. The function `stored` is called after each stored result.
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
        stored: Callable[[], None],
        ended: Callable[[], None],
        limits: AttemptLimits,
    ) -> None:
        self._clock = clock
        self._store = store
        self._leases = store.leases
        self._sender = sender
        self._body_of = body_of
        self._rules = rules
        self._on_attempt = on_attempt
        self._stored = stored
        self._ended = ended
        self._limits = limits
        self._fair_queue = FairQueue(limits)
        self._queues: dict[str, AccountQueue] = {}
        self._held: Counter[tuple[str, str]] = Counter()  # number of leases, by token and receiver
        self._interruptions: dict[str, int] = {}  # by task: number of workers that died during the attempt
        self._numbers = itertools.count()
        self._attempts: set[asyncio.Task[None]] = set()
        self._closing = False

    def may_hold(self, token: str, receiver: str) -> bool:
        """Return whether this worker may lease one more delivery.

        `AttemptLimits.share` limits the leased deliveries from one account to one receiver. `token` is the token of the
        account.
        """
        return self._held[token, receiver] < self._limits.share

    def hold(self, claims: Iterable[Claim]) -> None:
        """Put the leased deliveries in `claims` into the queue. `start_due` begins the attempts of these deliveries."""
        for claim in claims:
            queue, entry = self._entry(claim)
            queue.put(entry)
            self._fair_queue.release(queue, math.inf)

    async def attempt_now(self, claim: Claim) -> None:
        """Make one attempt of a leased delivery immediately, without retries.

        Returns when the attempt has ended.
        """
        queue, entry = self._entry(claim)
        self._fair_queue.begin(queue, entry)
        await asyncio.wait((self._start(queue, entry, retried=False),))

    def start_due(self) -> None:
        """Begin attempts of queued deliveries, as many as the limits allow."""
        while not self._closing and (turn := self._fair_queue.take()) is not None:
            self._start(*turn)

    def discard(self, token: str) -> None:
        """Forget the deliveries of an account. Results of attempts in progress are ignored."""
        queue = self._queues.pop(token, None)
        if queue is not None:
            queue.discarded = True
            for entry in queue.entries():
                self._held[token, entry.receiver] -= 1

    async def end(self, grace: float) -> None:
        """Start no more attempts. Wait up to `grace` real seconds for the attempts in progress."""
        self._closing = True
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=grace)

    async def cancel(self) -> None:
        """Cancel the attempts that are still in progress."""
        for task in (unfinished := tuple(self._attempts)):
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=_CANCEL_SECONDS)

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

    def _start(self, queue: AccountQueue, entry: Entry, *, retried: bool = True) -> asyncio.Task[None]:
        task = asyncio.create_task(self._attempt(queue, entry.delivery, retried=retried))
        self._attempts.add(task)
        task.add_done_callback(partial(self._end, queue, entry))
        return task

    async def _attempt(self, queue: AccountQueue, delivery: Delivery, *, retried: bool) -> None:
        token = queue.account.token
        if not await self._repeat_until_stored(lambda: self._leases.begin(delivery)):
            return  # the account was dropped
        attempt = await self._send(token, delivery)
        if attempt is None:
            await self._leases.release(delivery)
            return
        ended_at = await self._repeat_until_stored(lambda: self._now(token))
        after = conclude(delivery, attempt, self._rules, ended_at, retried=retried)
        is_stored = not queue.discarded and await self._repeat_until_stored(
            lambda: self._leases.conclude(token, delivery, after)
        )
        if is_stored:
            self._on_attempt(queue.account, after, attempt)
            self._stored()

    async def _send(self, token: str, delivery: Delivery) -> Attempt | None:
        at = await self._repeat_until_stored(lambda: self._now(token))
        try:
            body = await self._repeat_until_stored(lambda: self._body_of(delivery.task_id))
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
        self.start_due()
        self._ended()

    async def _now(self, token: str) -> float:
        return instant_of(await self._store.account(token), self._clock.now())

    async def _repeat_until_stored(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except StoreError:
                await sleep(_AGAIN_SECONDS)
