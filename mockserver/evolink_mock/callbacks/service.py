"""Check callback URLs, schedule the deliveries, and record the attempts."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from evolink_spec import CallbackRules

from evolink_mock.callbacks import url_guard
from evolink_mock.callbacks.attempt_log import AttemptLog, receivers
from evolink_mock.callbacks.leased_scheduler import LeasedScheduler
from evolink_mock.callbacks.resolver import Resolver
from evolink_mock.callbacks.scheduler import CallbackScheduler
from evolink_mock.callbacks.sender import CallbackSender, internal_address
from evolink_mock.domain import task_body
from evolink_mock.domain.accounts import instant_of
from evolink_mock.http.errors import ApiError
from evolink_mock.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Attempt, Delivery
    from evolink_mock.domain.parsed_url import ParsedUrl
    from evolink_mock.domain.store import SharedStore

_RESOLVE_SECONDS = 2.0  # maximum time by which resolving a host name delays the response to a create request
_GRACE_SECONDS = 3.0  # time for attempts in progress when the server stops
_NO_RULES = CallbackRules("callback_url", 2048, 10.0, ())  # used if no OpenAPI document has callbacks
_log = logging.getLogger("evolink_mock.callbacks")


class CallbackService:
    """The callbacks of one server.

    If the store is shared, the function `changed` is called after each attempt. `changed` is also called when another
    worker has changed the store.
    """

    def __init__(
        self,
        clock: Clock,
        store: MemoryStore | SharedStore,
        rules: CallbackRules | None,
        allowed: Sequence[str],
        changed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._store = store
        self._allowed = tuple(url_guard.parse_allowed(text) for text in allowed)
        self.observe: Callable[[Attempt], None] = lambda _: None  # called with every attempt
        self._resolve = Resolver()  # for create requests, because the sender has a resolver of its own
        rules = rules or _NO_RULES
        self._attempts = AttemptLog(rules)
        sender = CallbackSender(rules, self._allowed)
        self.scheduler: CallbackScheduler | LeasedScheduler
        if isinstance(store, MemoryStore):
            self.scheduler = CallbackScheduler(clock, sender, self._body, rules, partial(self._record, store))
        else:
            self.scheduler = LeasedScheduler(
                clock, store, sender, self._body, rules=rules, on_attempt=self._log, changed=changed
            )

    async def check(self, url: str, rules: CallbackRules) -> ParsedUrl | ApiError:
        """Return the parsed callback URL, or a 400 if the URL is refused.

        If an option can allow the URL, the `hint` of the 400 names this option. The hint is logged, and not sent to the
        client.
        """
        try:
            target = url_guard.parse_callback_url(url, rules)
        except ValueError as error:
            return ApiError(400, f"{rules.field}: {error}", rules.field)
        reason = url_guard.target_refusal(target, self._allowed)
        if reason is None and not url_guard.is_allowed(target.host, target.port, self._allowed):
            reason = await internal_address(target.host, _RESOLVE_SECONDS, self._resolve)
        if reason is None:
            return target
        hint = f"to allow it: --allow-callbacks-to {target.authority()}"
        return ApiError(400, f"{rules.field}: {reason}", rules.field, hint=hint)

    async def close(self) -> None:
        """Attempt the callbacks that are due, and log how many were not delivered."""
        undelivered = await self.scheduler.close(_GRACE_SECONDS)
        self._attempts.close()
        if undelivered:
            _log.warning("%s", _summary(undelivered))

    async def _body(self, task_id: str) -> bytes | None:
        # The body is the response that a status query would get now (clause `callback.body-equals-query`).
        task = await self._store.task(task_id)
        if task is None:
            return None
        account = await self._store.account(task.account)
        now = instant_of(account, self._clock.now())
        if task.anomalies is not None and task.anomalies.callback == "early":
            now = max(now, task.timetable.ends)
        return task_body.to_json(task, now)

    def _record(self, store: MemoryStore, account: Account, delivery: Delivery, attempt: Attempt) -> None:
        store.record_now(delivery)
        self._log(account, delivery, attempt)

    def _log(self, _: Account, delivery: Delivery, attempt: Attempt) -> None:
        self._attempts.add(delivery, attempt)
        self.observe(attempt)


def _summary(undelivered: Sequence[Delivery]) -> str:
    verb = "callback was" if len(undelivered) == 1 else "callbacks were"
    origins = receivers(delivery.target.origin() for delivery in undelivered)
    return f"{len(undelivered)} {verb} never delivered: {origins}"
