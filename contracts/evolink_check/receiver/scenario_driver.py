"""Drive a scenario: create tasks, send callbacks, and wait for the receiver."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from evolink_check.receiver.bodies import to_json
from evolink_check.receiver.records import Call, Callback, ReceiverActivity, TaskCase, is_confirmed

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from random import Random

    from evolink_check.receiver.activity_monitor import ActivityMonitor
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.mock_api import MockApi, Task
    from evolink_check.receiver.records import Framing, Kind, Reply, ScenarioRecord, TaskBody, Terms, Timing
    from evolink_check.receiver.registration import Register

_IMPATIENCE = 4


@dataclass(slots=True)
class ScenarioDriver:
    """Runs one scenario and writes its `record`."""

    api: MockApi
    sender: CallbackSender
    monitor: ActivityMonitor
    terms: Terms
    timing: Timing
    random: Random
    failures: tuple[str, ...]
    burst: int
    record: ScenarioRecord
    register: Register | None = None
    # The deferred parts of the scenario, which run during the next scenarios.
    later: list[asyncio.Task[None]] = field(default_factory=list)

    async def make(self) -> Task:
        """Create a task. If the receiver must know its tasks before the callbacks, also register the task there."""
        task = await self.api.make()
        await self.introduce(task)
        return task

    async def introduce(self, task: Task) -> None:
        """Tell the receiver about a task, if the receiver needs this.

        Raises `RegistrationError` if the receiver refuses the task.
        """
        if self.register is not None:
            await asyncio.to_thread(self.register, task.body)

    async def completed(self) -> tuple[Task, TaskCase]:
        """Create a completed task and add it to the record."""
        task = await self.api.finish(await self.make())
        return task, self.case(task, "completed")

    async def failed(self, code: str) -> tuple[Task, TaskCase]:
        """Create a task that has failed with this code.

        The task is added to the record.
        """
        task = await self.api.finish(await self.make(), code)
        return task, self.case(task, "failed")

    def case(self, task: Task, truth: Any) -> TaskCase:
        """Add a task to the record of the scenario.

        `truth` is how the task really ended.
        """
        case = TaskCase(task.id, truth, task.results)
        self.record.cases.append(case)
        return case

    async def call(  # noqa: PLR0913  (each says how one callback differs from the usual one)
        self, case: TaskCase, body: TaskBody | bytes, kind: Kind = "usual", *, label: str = "",
        framing: Framing = "plain", url: str = "", headers: tuple[tuple[str, str], ...] = (),
        limit: float | None = None,
    ) -> Reply:  # fmt: skip
        """Send one callback, and record it with its reply."""
        content = body if isinstance(body, bytes) else to_json(body)
        callback = Callback(url or self.terms.url, content, headers, framing)
        reply = await self.sender.send(callback, limit or self.timing.limit)
        case.calls.append(Call(kind, callback, reply, label))
        return reply

    def mark_late(self, limit: float) -> None:
        """Mark each reply of this scenario that took longer than `limit` seconds."""
        for case in self.record.cases:
            case.calls = [
                replace(call, reply=replace(call.reply, late=call.reply.seconds > limit))
                for call in case.calls
            ]

    async def settle(self, case: TaskCase, body: TaskBody) -> None:
        """Send the callback again if the receiver refused the callback.

        After a 2xx, wait until the receiver has queried and booked the task.
        """
        if case.accepted or await self.redeliver(case, body):
            await self.expect_action(case)

    async def redeliver(self, case: TaskCase, body: TaskBody) -> bool:
        """Send a refused callback again until the receiver accepts the callback.

        Up to three more attempts are made, as by EvoLink. Returns whether the receiver accepted the callback.
        """
        for pause in self.timing.retries:
            await asyncio.sleep(pause)
            async with self.api.working():
                if (await self.call(case, body, "redelivered")).accepted:
                    return True
        return False

    def defer(self, part: Coroutine[Any, Any, None]) -> None:
        """Run a part of the scenario while other scenarios run.

        The scenario is not complete before this part has ended.
        """
        self.later.append(asyncio.create_task(part))

    async def expect_action(self, case: TaskCase) -> None:
        """Wait until the receiver has queried and booked the task as required.

        The wait takes at most `timing.patience` seconds.
        """
        kind = "unconfirmed" if any(call.kind == "unconfirmed" for call in case.calls) else "usual"
        # If the receiver was too slow with an earlier task of this kind, a quarter of the wait is enough.
        patience = self.timing.patience / (_IMPATIENCE if kind in self.monitor.missed else 1)
        if not await self.monitor.until(lambda activity: self._has_acted(activity, case), patience):
            self.monitor.missed.add(kind)

    def _has_acted(self, activity: ReceiverActivity, case: TaskCase) -> bool:
        has_asked = self.terms.trusts_secret or is_confirmed(activity, case)
        return has_asked and has_booked(activity, case)

    async def note_early_bookings(self, case: TaskCase) -> None:
        """Record what is booked before the API reports the end of the task."""
        await asyncio.sleep(min(self.timing.quiet, 0.3))
        case.booked_early = (await self.monitor.look()).booked(case.id)

    def url_with(self, secret: str | None) -> str:
        """Return the callback URL with `secret` in place of the right secret.

        If `secret` is None, the URL has no secret.
        """
        parts = urlsplit(self.terms.url)
        pairs = [
            (name, value if value != self.terms.secret else secret)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        query = urlencode([(name, value) for name, value in pairs if value is not None])
        return urlunsplit(parts._replace(query=query))


def has_booked(activity: ReceiverActivity, case: TaskCase) -> bool:
    """Return whether the receiver has booked a completed task.

    Returns True if no booking is expected.
    """
    # No booking is expected without a ledger, or if the task is not completed.
    return activity.bookings is None or case.truth != "completed" or bool(activity.booked(case.id))
