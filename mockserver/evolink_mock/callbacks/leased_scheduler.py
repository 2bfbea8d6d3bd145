"""Schedule the callbacks in a store that several workers share.

The store knows all deliveries and when they are due. A worker process leases each delivery before the attempt. The
worker keeps the leased deliveries in memory.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from evolink_mock.callbacks.fair_queue import AttemptLimits
from evolink_mock.callbacks.leased_attempts import LeasedAttempts
from evolink_mock.domain.clock import sleep, stopwatch
from evolink_mock.domain.store import NO_CHANGE, Change, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec.models import CallbackRules

    from evolink_mock.callbacks.scheduler import BodyOf, OnAttempt, Sender
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import IsTaken, SharedStore

_POLL_SECONDS = 0.02  # real time between two polls of the store
_RENEW_SECONDS = 1.0  # real time between two renewals of the leases
_AGAIN_SECONDS = 0.25  # real time until the next poll if the store fails or nothing can be leased

_log = logging.getLogger("evolink_mock.callbacks")


class LeasedScheduler:
    """Attempts each delivery when it is due, and shares the deliveries with other workers.

    The function `changed` is called after each attempt. `changed` is also called when another worker has changed the
    store.
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
        self._changed = changed
        self._limits = limits or AttemptLimits()
        self._attempts = LeasedAttempts(
            clock,
            store,
            sender,
            body_of,
            rules=rules,
            on_attempt=on_attempt,
            stored=self._on_stored,
            ended=self._on_ended,
            limits=self._limits,
        )
        self._ended = asyncio.Event()  # set by each attempt that ends
        self._next_wake, self._is_stale = 0.0, True  # whether `_next_wake` must be read from the store again
        self._renew_at = self._claim_at = 0.0  # on the stopwatch
        self._closing = self._closed = False

    def put(self, account: Account, delivery: Delivery) -> None:
        """Remember when a new delivery in the store is due."""
        due = delivery.due
        if due is not None and math.isfinite(due) and account.frozen_at is None:
            self._next_wake = min(self._next_wake, due - account.shift)

    def reschedule(self, account: Account, task_id: str, due: float) -> None:  # noqa: ARG002
        """Make `run` read the next due time again, after a delivery got a new due time."""
        self._is_stale = True

    def clock_changed(self, account: Account) -> None:  # noqa: ARG002
        """Make `run` read the next due time again, after the clock of an account has changed."""
        self._is_stale = True

    def discard(self, account: Account) -> None:
        """Forget the deliveries of an account. Results of attempts in progress are ignored."""
        self._attempts.discard(account.token)
        self._ended.set()

    async def attempt_now(self, account: Account, delivery: Delivery) -> None:  # noqa: ARG002
        """Make one attempt of a delivery immediately, without retries.

        Returns when the attempt has ended.
        """
        claim = await self._leases.claim_one(delivery.task_id)
        if claim is not None:
            await self._attempts.attempt_now(claim)

    async def run(self) -> None:
        """Attempt deliveries when they are due, until `close` is called."""
        is_failing = False
        while not self._closing:
            pause = _POLL_SECONDS
            try:
                await self._poll()
                is_failing = False
            except StoreError as error:
                if not is_failing:
                    _log.warning("callbacks are not delivered: %s", error)
                is_failing, pause = True, _AGAIN_SECONDS
            await sleep(pause)

    async def run_due(self, account: Account) -> None:
        """Attempt the due deliveries of an account with a frozen clock.

        Returns when no delivery of the account is due, and no worker attempts one.
        """
        while not self._closed:
            self._ended.clear()
            claims = await self._leases.claim_frozen(account.token)
            self._attempts.hold(claims)
            self._attempts.start_due()
            if not claims and not await self._leases.is_attempting(account.token):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._ended.wait()

    async def advance(self, account: Account, target: float, moved: Callable[[], None]) -> bool:
        """Move the frozen clock of an account to `target`. Attempt deliveries when they become due.

        The clock moves to each due time in turn, and then to `target`. `moved` is called after each of these moves. The
        clock does not advance during the attempts. Returns False if the account was deleted or another worker moves its
        clock.
        """
        await self.run_due(account)
        instant = account.frozen_at
        while not self._closed and instant is not None:
            due = await self._store.next_due(account.token)
            instant = target if due is None or due > target else max(due, instant)
            if not await self._set_frozen_clock(account.token, instant):
                return False
            moved()
            if due is None or due > target:
                break
            await self.run_due(account)
        return True

    async def close(self, grace: float) -> list[Delivery]:
        """Wait up to `grace` seconds for attempts in progress. Then cancel them and end all leases.

        Returns an empty list, because the unfinished deliveries remain in the store.
        """
        self._closing = True
        await self._attempts.end(grace)
        self._closed = True
        self._ended.set()
        await self._attempts.cancel()
        try:
            await self._leases.end()
        except StoreError as error:
            _log.warning("the leases of this process expire in a few seconds: %s", error)
        return []

    async def _poll(self) -> None:
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
            claims = await self._leases.claim(server_now, self._limits.share, self._attempts.may_hold)
            self._claim_at = now if claims else now + _AGAIN_SECONDS
            self._is_stale = True
            self._attempts.hold(claims)
        self._attempts.start_due()

    def _on_stored(self) -> None:
        self._is_stale = True
        self._changed()

    def _on_ended(self) -> None:
        self._claim_at = 0.0
        self._ended.set()

    async def _set_frozen_clock(self, token: str, instant: float) -> bool:
        is_moved = False

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal is_moved
            # False if the account was deleted or another worker moves its clock.
            is_moved = account.mover == self._store.worker
            if is_moved:
                account.frozen_at = instant
            return NO_CHANGE

        await self._store.change(token, step)
        return is_moved
