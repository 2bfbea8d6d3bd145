"""The data of the task page: the latest tasks, with timelines and callbacks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from evolink_mock.control import tasks
from evolink_mock.control.handler import ControlRequest, Empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Task
    from evolink_mock.service.service import Service


async def task_cards(service: Service, accounts: Sequence[Account], most: int) -> list[dict[str, Any]]:
    """Return the data of the latest tasks of these accounts, the newest first.

    At most `most` tasks are returned. Tasks are sorted by their creation time on the account's clock.
    """
    stored = [
        (account, task)
        for account in accounts
        for task in reversed(await service.store.tasks(account.token, latest=most))
    ]
    # Sorting is stable: of two tasks of an account that were created at the same time, the newer one stays first.
    newest = sorted(stored, key=lambda pair: pair[1].timetable.created, reverse=True)[:most]
    cards: dict[str, dict[str, Any]] = {}
    for account, pairs in groupby(sorted(newest, key=lambda pair: pair[0].token), lambda pair: pair[0]):
        cards |= await _cards_of(service, account, [task for _, task in pairs])
    return [cards[task.id] for _, task in newest]


async def _cards_of(service: Service, account: Account, stored: Sequence[Task]) -> dict[str, dict[str, Any]]:
    now = service.clocks.now(account)
    states = [tasks.task_state(task, now) for task in stored]
    request = ControlRequest(service, account, Empty(), Empty())
    deliveries = [await service.store.delivery(task.id) for task in stored]
    callbacks = await tasks.delivery_states(request, [item for item in deliveries if item is not None])
    by_task = {callback["task_id"]: callback for callback in callbacks}
    return {
        state["id"]: {
            **state,
            "account": account.label,
            "timeline": timeline(state["timetable"], now),
            "callback": by_task.get(state["id"]),
            "is_expired": 0 < (state["timetable"]["expires"] or 0) <= now,
        }
        for state in states
    }


def timeline(timetable: Mapping[str, float | None], now: float) -> list[dict[str, Any]]:
    """Return the phases of a task, with positions and widths in percent.

    A phase that never begins is omitted.
    """
    created = timetable["created"] or 0.0
    starts = timetable["starts"]
    ends = timetable["ends"]
    last = max(filter(None, (starts, ends, min(now, (ends or starts or now) * 1.0), created + 1e-6)))
    scale = 100 / (last - created)

    def part(kind: str, begin: float, end: float) -> dict[str, Any]:
        begin, end = (begin - created) * scale, (end - created) * scale
        return {"kind": kind, "x": round(begin, 2), "width": round(max(0.0, end - begin), 2)}

    parts = [part("pending", created, starts or last)]
    if starts is not None:
        parts.append(part("processing", starts, ends or last))
    passed = min(100.0, max(0.0, (now - created) * scale))
    return [*parts, {"kind": "now", "x": round(passed, 2), "width": 0}]
