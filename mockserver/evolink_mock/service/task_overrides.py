"""What a test does to one task behind the client's back: end it now, or call back once more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain import accounts
from evolink_mock.service import account_clock

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Outcome
    from evolink_mock.service.service import Service


async def finish_task(service: Service, account: Account, task_id: str, outcome: Outcome) -> bool:
    """End a task now; False when it is over, or gone. Its callback falls due now, later by as much as it was late.

    On a frozen clock the callback was attempted when this returns. Credits come back as the new end has it.
    """
    async with account_clock.moving(service, account):
        task = await service.store.task(task_id)
        now = account_clock.now(service, account)
        if task is None or now >= task.plan.ends:
            return False
        before = task.plan
        after = replace(before, starts=min(before.starts, now), ends=now, outcome=outcome)
        usage = task.operation.answer.get("usage") or {}
        accounts.move_refund(account, before, after, usage.get("credits_reserved", 0))
        await service.store.put(replace(task, plan=after))
        agenda = service.callback_service.agenda(account)
        for due, owed in agenda.withdraw({task_id}):
            late = max(0.0, due - before.ends) if math.isfinite(due) else 0.0
            agenda.put(now + late, owed)
        if account_clock.is_frozen(account):
            await agenda.run_due(now)
        return True


async def redeliver(service: Service, account: Account, task_id: str) -> bool:
    """Attempt the callback of a task once more, now; False while it is on the agenda."""
    async with account_clock.moving(service, account):
        agenda = service.callback_service.agenda(account)
        owed = await service.store.delivery(task_id)
        if owed is None or agenda.dues({task_id}):
            return False
        await agenda.replay(owed)
        return True
