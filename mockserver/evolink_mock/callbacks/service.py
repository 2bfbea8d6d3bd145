"""Callbacks for the rest of the server: check a URL, schedule its callback, record the attempts."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from evolink_spec import CallbackRules

from evolink_mock.callbacks import url_guard
from evolink_mock.callbacks.resolver import Resolver
from evolink_mock.callbacks.scheduler import CallbackScheduler
from evolink_mock.callbacks.sender import CallbackSender, internal_address
from evolink_mock.domain import task_body
from evolink_mock.domain.deliveries import Delivery, succeeded
from evolink_mock.domain.tasks import halfway
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.deliveries import Attempt
    from evolink_mock.domain.parsed_url import ParsedUrl
    from evolink_mock.domain.store import Store
    from evolink_mock.domain.tasks import Task

_RESOLVE_SECONDS = 2.0  # the longest that a name without an address delays the response to a create request
_GRACE_SECONDS = 3.0  # for attempts in progress when the server stops
_REPEAT_SECONDS = 1.0  # from a success to its repetition, for a callback that is sent twice
_NO_RULES = CallbackRules("callback_url", 2048, 10.0, ())  # of documents without callbacks
_NAMED = 5  # receivers that are named when the server stops
_log = logging.getLogger("evolink_mock.callbacks")


class CallbackService:
    """The callbacks of one server."""

    def __init__(
        self, clock: Clock, store: Store, rules: CallbackRules | None, allowed: Sequence[str]
    ) -> None:
        self._clock = clock
        self._store = store
        self._allowed = tuple(url_guard.parse_allowed(text) for text in allowed)
        self._resolve = Resolver()  # for creates; deliveries have their own
        rules = rules or _NO_RULES
        sender = CallbackSender(rules, self._allowed)
        self.scheduler = CallbackScheduler(clock, sender, self._body, rules, self._record)
        self._recording: set[asyncio.Task[None]] = set()
        self._twice: set[str] = set()  # ids of tasks whose callback is to be repeated

    async def check(self, url: str, rules: CallbackRules) -> ParsedUrl | ApiError:
        """The parsed URL, or the 400 if it may not be called. The hint says how to allow it."""
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

    async def schedule(self, task: Task, target: ParsedUrl) -> None:
        """Schedule the callback for the end of a task."""
        anomalies, due = task.anomalies, task.timetable.ends
        if anomalies is not None and anomalies.callback == "never":
            return
        delivery = Delivery(task.id, target)
        await self._store.record(delivery)
        if anomalies is not None:
            due = halfway(task.timetable) if anomalies.callback == "early" else due + anomalies.callback_delay
            if anomalies.callback == "twice":
                self._twice.add(task.id)
        self.scheduler.schedule(await self._store.account(task.account), delivery, due)

    async def close(self) -> None:
        """Attempt the due callbacks, give up the rest, and log their number and receivers."""
        undelivered = await self.scheduler.close(_GRACE_SECONDS)
        if undelivered:
            _log.warning("%s", _summary(undelivered))
        if self._recording:
            await asyncio.wait(self._recording)

    async def _body(self, task_id: str) -> bytes | None:
        """The body that a query would return now, byte for byte (clause `callback.body-equals-query`)."""
        task = await self._store.task(task_id)
        if task is None:
            return None
        account = await self._store.account(task.account)
        now = (account.clock or self._clock).now()
        if task.anomalies is not None and task.anomalies.callback == "early":
            now = max(now, task.timetable.ends)
        return task_body.to_json(task, now)

    def _record(self, account: Account, delivery: Delivery, attempt: Attempt, due: float | None) -> None:
        """Store an attempt and log its result."""
        if due is None and delivery.task_id in self._twice:
            self._twice.remove(delivery.task_id)
            if succeeded(attempt):
                due = attempt.at + _REPEAT_SECONDS
                self.scheduler.put(account, delivery, due)
        recording = asyncio.ensure_future(self._store.record(delivery))
        self._recording.add(recording)
        recording.add_done_callback(self._recording.discard)
        result = attempt.problem if attempt.status is None else str(attempt.status)
        retry = f", again in {due - attempt.at - attempt.seconds:.0f} s" if due is not None else ""
        number, origin = len(delivery.attempts), delivery.target.origin()
        _log.info("callback %d of %s to %s: %s%s", number, delivery.task_id, origin, result, retry)


def _summary(undelivered: Sequence[Delivery]) -> str:
    """A line with the number of callbacks that were never delivered, and their receivers."""
    receivers = Counter(delivery.target.origin() for delivery in undelivered)
    named = [f"{count} to {origin}" for origin, count in receivers.most_common(_NAMED)]
    more = [f"{len(receivers) - _NAMED} more receivers"] if len(receivers) > _NAMED else []
    verb = "callback was" if len(undelivered) == 1 else "callbacks were"
    return f"{len(undelivered)} {verb} never delivered: {', '.join([*named, *more])}"
