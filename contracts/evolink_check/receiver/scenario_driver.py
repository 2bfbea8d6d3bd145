"""What a scenario is played on: it makes tasks, calls the receiver, and waits for what the receiver does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from evolink_check.receiver.bodies import to_json
from evolink_check.receiver.records import Call, Callback, Conduct, TaskCase, is_confirmed

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from random import Random

    from evolink_check.receiver.activity_monitor import Watch
    from evolink_check.receiver.delivery.callback_sender import Door
    from evolink_check.receiver.mock_api import PlayedApi, Task
    from evolink_check.receiver.records import Framing, Kind, Play, Reply, TaskBody, Terms, Timing

_IMPATIENCE = 4


@dataclass(slots=True)
class Stage:
    """Everything that a scenario needs. `play` is its record. `later` are the parts that do not hold up others."""

    api: PlayedApi
    door: Door
    watch: Watch
    terms: Terms
    timing: Timing
    random: Random
    failures: tuple[str, ...]
    burst: int
    play: Play
    later: list[asyncio.Task[None]] = field(default_factory=list)

    async def completed(self) -> tuple[Task, TaskCase]:
        """A completed task."""
        task = await self.api.finish(await self.api.make())
        return task, self.case(task, "completed")

    async def failed(self, code: str) -> tuple[Task, TaskCase]:
        """A failed task."""
        task = await self.api.finish(await self.api.make(), code)
        return task, self.case(task, "failed")

    def case(self, task: Task, truth: Any) -> TaskCase:
        """The record of a task, added to that of the scenario."""
        case = TaskCase(task.id, truth, task.results)
        self.play.cases.append(case)
        return case

    async def call(  # noqa: PLR0913  (each says how one callback differs from the usual one)
        self, case: TaskCase, body: TaskBody | bytes, kind: Kind = "usual", *, label: str = "",
        framing: Framing = "plain", url: str = "", headers: tuple[tuple[str, str], ...] = (),
        limit: float | None = None,
    ) -> Reply:  # fmt: skip
        """Call the receiver once, and record it."""
        content = body if isinstance(body, bytes) else to_json(body)
        callback = Callback(url or self.terms.url, content, headers, framing)
        reply = await self.door.send(callback, limit or self.timing.limit)
        case.calls.append(Call(kind, callback, reply, label))
        return reply

    def mark_late(self, limit: float) -> None:
        """Mark the replies of this scenario that took longer than `limit` seconds."""
        for case in self.play.cases:
            case.calls = [
                replace(call, reply=replace(call.reply, late=call.reply.seconds > limit))
                for call in case.calls
            ]

    async def settle(self, case: TaskCase, body: TaskBody) -> None:
        """Call again until it is accepted, and wait for what must follow."""
        if case.accepted or await self.redeliver(case, body):
            await self.expect_action(case)

    async def redeliver(self, case: TaskCase, body: TaskBody) -> bool:
        """Call again as EvoLink does after a refusal, until it is accepted. Whether it was."""
        for pause in self.timing.retries:
            await asyncio.sleep(pause)
            async with self.api.working():
                if (await self.call(case, body, "redelivered")).accepted:
                    return True
        return False

    def defer(self, part: Coroutine[Any, Any, None]) -> None:
        """Do this while other scenarios go on; the scenario ends with it."""
        self.later.append(asyncio.create_task(part))

    async def expect_action(self, case: TaskCase) -> None:
        """Wait for the query and the booking that must follow. What failed to follow once is waited for less."""
        kind = "unconfirmed" if any(call.kind == "unconfirmed" for call in case.calls) else "usual"
        patience = self.timing.patience / (_IMPATIENCE if kind in self.watch.missed else 1)
        if not await self.watch.until(lambda conduct: self._has_acted(conduct, case), patience):
            self.watch.missed.add(kind)

    def _has_acted(self, conduct: Conduct, case: TaskCase) -> bool:
        has_asked = self.terms.trusts_secret or is_confirmed(conduct, case)
        return has_asked and has_booked(conduct, case)

    async def note_early_bookings(self, case: TaskCase) -> None:
        """Record what was booked before the API could confirm it."""
        await asyncio.sleep(min(self.timing.quiet, 0.3))
        case.booked_early = (await self.watch.look()).booked(case.id)

    def url_with(self, secret: str | None) -> str:
        """The callback URL with another secret, or without one."""
        parts = urlsplit(self.terms.url)
        pairs = [
            (name, value if value != self.terms.secret else secret)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        query = urlencode([(name, value) for name, value in pairs if value is not None])
        return urlunsplit(parts._replace(query=query))


def has_booked(conduct: Conduct, case: TaskCase) -> bool:
    """Whether a completed task is booked; without a ledger that is not known, and not waited for."""
    return conduct.bookings is None or case.truth != "completed" or bool(conduct.booked(case.id))
