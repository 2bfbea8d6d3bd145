"""Callbacks as the rest of the server sees them: may this URL be called, call it at the end, what became of it."""

from __future__ import annotations

import asyncio
import logging
from itertools import chain
from typing import TYPE_CHECKING

from evolink_spec import CallbackRules

from evolink_mock.callbacks import scheduler, sender, url_guard
from evolink_mock.domain import task_body
from evolink_mock.domain.deliveries import Delivery, succeeded, without_query
from evolink_mock.domain.tasks import halfway
from evolink_mock.http import urls
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Attempt
    from evolink_mock.domain.store import Store
    from evolink_mock.domain.tasks import Task

_RESOLVE_SECONDS = 2.0  # an unresolved name does not hold up the answer of a create for longer
_GRACE_SECONDS = 5.0  # for attempts under way when the server stops
_AGAIN_SECONDS = 1.0  # from a success to its repetition, for a callback that comes twice
_NO_RULES = CallbackRules("callback_url", 2048, 10.0, ())  # of documents without callbacks
_log = logging.getLogger("evolink_mock.callbacks")


class CallbackService:
    """The callbacks of one server."""

    def __init__(
        self, clock: Clock, store: Store, rules: CallbackRules | None, allowed: Sequence[str]
    ) -> None:
        self._clock = clock
        self._store = store
        self._rules = rules or _NO_RULES
        self._allowed = tuple(url_guard.parse_allowed(text) for text in allowed)
        self._kept: set[asyncio.Task[None]] = set()
        self._courier = sender.CallbackSender(self._rules, self._allowed)
        self._shared = self._dispatcher(clock)
        self._own: dict[
            str, scheduler.CallbackScheduler
        ] = {}  # of accounts with a clock of their own, by token
        self._twice: dict[str, str] = {}  # ids of tasks whose callback is to come again, and their tokens
        self.run = self._shared.run

    def _dispatcher(self, clock: Clock) -> scheduler.CallbackScheduler:
        return scheduler.CallbackScheduler(clock, self._courier, self._body, self._rules, self._heard)

    def agenda(self, account: Account) -> scheduler.CallbackScheduler:
        """What is owed to the receivers of an account: its own agenda when it has a clock of its own."""
        return self._own.get(account.token, self._shared)

    async def part(self, account: Account) -> None:
        """Give an account that has got a clock of its own an agenda of its own, with what it owes."""
        assert account.clock is not None  # noqa: S101  (that is when this is called)
        own = self._own[account.token] = self._dispatcher(account.clock)
        await self._move(self._shared, own, account)

    async def rejoin(self, account: Account) -> None:
        """Put what an account owes back on the agenda of the server's clock."""
        own = self._own.pop(account.token, None)
        if own is not None:
            await self._move(own, self._shared, account)

    async def _move(
        self, source: scheduler.CallbackScheduler, target: scheduler.CallbackScheduler, account: Account
    ) -> None:
        tasks = {task.id for task in await self._store.tasks(account.token)}
        for due, owed in source.withdraw(tasks):
            target.put(due, owed)

    def forget(self, account: Account, tasks: Container[str]) -> None:
        """Drop what an account owes."""
        self.agenda(account).withdraw(tasks)
        self._own.pop(account.token, None)

    async def refusal(self, url: str, rules: CallbackRules) -> ApiError | None:
        """The 400 for a URL that may not be called, its name resolved; the hint says how to allow it."""
        reason = url_guard.url_refusal(url, rules, self._allowed)
        try:
            where = urls.parse_url(url)
        except ValueError as error:
            return ApiError(400, f"{rules.field}: {reason or error}", rules.field)
        if reason is None and not url_guard.is_allowed(where.host, where.port, self._allowed):
            reason = await sender.resolves_inside(where.host, _RESOLVE_SECONDS)
        if reason is None:
            return None
        longer = len(url) > rules.max_length  # which no permission helps
        hint = "" if longer else f"to let it be called: --allow-callbacks-to {where.authority()}"
        return ApiError(400, f"{rules.field}: {reason}", rules.field, hint=hint)

    async def schedule(self, task: Task, url: str) -> None:
        """Owe a callback for the end of a task."""
        odd, due = task.anomalies, task.plan.ends
        if odd is not None and odd.callback == "never":
            return
        owed = Delivery(task.id, url)
        await self._store.record(owed)
        if odd is not None:
            due = halfway(task.plan) if odd.callback == "early" else due + odd.callback_delay
            if odd.callback == "twice":
                self._twice[task.id] = task.account
        account = await self._store.account(task.account)
        self.agenda(account).schedule(owed, due)

    async def close(self) -> None:
        """Attempt what is due, give the rest up, and say so."""
        agendas = (self._shared, *self._own.values())
        for owed in chain.from_iterable([await agenda.close(_GRACE_SECONDS) for agenda in agendas]):
            _log.warning("callback of %s to %s was never delivered", owed.task_id, without_query(owed.url))
        if self._kept:
            await asyncio.wait(self._kept)

    async def _body(self, task_id: str) -> bytes | None:
        """Exactly what a query would answer now (clause `callback.body-equals-query`)."""
        task = await self._store.task(task_id)
        if task is None:
            return None
        account = await self._store.account(task.account)
        now = (account.clock or self._clock).now()
        if task.anomalies is not None and task.anomalies.callback == "early":
            now = max(now, task.plan.ends)
        return task_body.to_json(task, now)

    def _heard(self, owed: Delivery, attempt: Attempt, due: float | None) -> None:
        """Keep the attempt and say how it went."""
        if due is None and (token := self._twice.pop(owed.task_id, None)) is not None and succeeded(attempt):
            due = attempt.at + _AGAIN_SECONDS
            self._own.get(token, self._shared).put(due, owed)
        keeping = asyncio.ensure_future(self._store.record(owed))
        self._kept.add(keeping)
        keeping.add_done_callback(self._kept.discard)
        result = attempt.problem if attempt.status is None else str(attempt.status)
        then = f", again in {due - attempt.at - attempt.seconds:.0f} s" if due is not None else ""
        where = without_query(owed.url)
        _log.info("callback %d of %s to %s: %s%s", len(owed.attempts), owed.task_id, where, result, then)
