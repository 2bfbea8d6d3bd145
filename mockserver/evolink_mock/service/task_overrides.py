"""Change one task at the request of a test.

A test can end the task, expire its links, or repeat its callback.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain import accounts
from evolink_mock.domain.store import NO_CHANGE, Change

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.domain.tasks import Outcome, Task
    from evolink_mock.service.service import Service


async def finish_task(service: Service, account: Account, task_id: str, outcome: Outcome) -> bool:
    """End a task now, with `outcome`.

    Returns False if the task does not exist or has already ended. If a recipe delays the callback, the delay begins
    now. If the clock is frozen, the function sends a due callback before it returns.
    """
    async with service.clocks.moving(account):
        task, delivery = await service.store.task(task_id), await service.store.delivery(task_id)
        if task is None:
            return False
        others = [
            other.timetable.ends for other in await service.store.tasks(account.token) if other.id != task_id
        ]
        change = NO_CHANGE

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal change
            change = _end_now(service, account, task, delivery, outcome)
            if change.task is not None and account.task_count == len(others) + 1:
                account.latest_end = max((*others, change.task.timetable.ends))
            return change

        await service.store.change(account.token, step)
        if change.task is None:
            return False
        scheduler = service.callback_service.scheduler
        if change.due is not None:
            scheduler.reschedule(account, task_id, change.due)
        if account.frozen_at is not None:
            await scheduler.run_due(account)
        return True


def _end_now(
    service: Service, account: Account, task: Task, delivery: Delivery | None, outcome: Outcome
) -> Change:
    now, before = service.clocks.now(account), task.timetable
    if now >= before.ends:
        return NO_CHANGE
    timetable = replace(before, starts=min(before.starts, now), ends=now, outcome=outcome)
    ended = replace(task, timetable=timetable)
    accounts.move_refund(account, task, ended)
    due = None
    if delivery is not None and delivery.due is not None:
        due = now + (max(0.0, delivery.due - before.ends) if math.isfinite(delivery.due) else 0.0)
    return Change(ended, due=due, replaces=True)


async def expire_links(service: Service, account: Account, task_id: str) -> bool:
    """Make the result links of a completed task expire now. Returns False if the task has no links that still work."""
    async with service.clocks.moving(account):
        task = await service.store.task(task_id)
        if task is None or task.timetable.outcome.failure is not None:
            return False
        now, timetable = service.clocks.now(account), task.timetable
        if not timetable.ends <= now < timetable.expires:
            return False
        expired = replace(task, timetable=replace(timetable, link_seconds=now - timetable.ends))
        await service.store.change(account.token, lambda *_: Change(expired, replaces=True))
        return True


async def redeliver(service: Service, account: Account, task_id: str) -> bool:
    """Attempt to deliver the callback of a task once more, immediately.

    Returns False if the task has no callback. Returns False if an attempt is already planned.
    """
    scheduler = service.callback_service.scheduler
    async with service.clocks.moving(account):
        delivery = await service.store.delivery(task_id)
        if delivery is None or delivery.due is not None:
            return False
        await scheduler.attempt_now(account, delivery)
        return True
