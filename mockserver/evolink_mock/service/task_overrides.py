"""A test's changes to one task, unseen by the client: end it now, or send its callback once more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain import accounts

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Outcome
    from evolink_mock.service.service import Service


async def finish_task(service: Service, account: Account, task_id: str, outcome: Outcome) -> bool:
    """End a task now; False if it is over or gone. The delay of a late callback counts from now.

    On a frozen clock the callback has been attempted when this returns. The refund follows the new outcome.
    """
    clocks, scheduler = service.clocks, service.callback_service.scheduler
    async with clocks.moving(account):
        task = await service.store.task(task_id)
        now = clocks.now(account)
        if task is None or now >= task.timetable.ends:
            return False
        before = task.timetable
        after = replace(before, starts=min(before.starts, now), ends=now, outcome=outcome)
        usage = task.operation.answer.get("usage") or {}
        accounts.move_refund(account, before, after, usage.get("credits_reserved", 0))
        await service.store.put(replace(task, timetable=after))
        due = scheduler.dues(account).get(task_id)
        if due is not None:
            delay = max(0.0, due - before.ends) if math.isfinite(due) else 0.0
            scheduler.reschedule(account, task_id, now + delay)
        if clocks.is_frozen(account):
            await scheduler.run_due(account)
        return True


async def redeliver(service: Service, account: Account, task_id: str) -> bool:
    """Attempt the callback of a task once more, now; False while an attempt is still due."""
    scheduler = service.callback_service.scheduler
    async with service.clocks.moving(account):
        delivery = await service.store.delivery(task_id)
        if delivery is None or task_id in scheduler.dues(account):
            return False
        await scheduler.attempt_now(account, delivery)
        return True
