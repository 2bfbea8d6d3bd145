"""The control API's tasks and callbacks: each with all that is known of it; an end that is forced; waiting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from evolink_mock.control import journal
from evolink_mock.control.handler import ControlResponse, json_response
from evolink_mock.domain import task_body
from evolink_mock.domain.deliveries import succeeded
from evolink_mock.domain.tasks import SUCCESS, Outcome, Phase, view
from evolink_mock.http.errors import ApiError
from evolink_mock.service import task_overrides
from evolink_mock.service.waiting import Reached, wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.control.handler import ControlRequest
    from evolink_mock.domain.deliveries import Attempt, Delivery
    from evolink_mock.domain.tasks import Task

_Timeout = Annotated[float, Meta(ge=0, le=600)]


class Forced(Struct, frozen=True):
    """How a task ends now."""

    outcome: Literal["completed", "failed"]
    code: str | None = None


class WaitForTask(Struct, frozen=True):
    """A task whose end is waited for, some real seconds at most."""

    task_id: Annotated[str, Meta(min_length=1)]
    timeout: _Timeout = 10.0


class WaitForCallbacks(Struct, frozen=True):
    """How many delivered callbacks are waited for, some real seconds at most."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    timeout: _Timeout = 10.0


async def listed(ask: ControlRequest) -> ControlResponse:
    """Every task of the account."""
    tasks = await ask.service.store.tasks(ask.account.token)
    now = ask.service.clocks.now(ask.account)
    return json_response({"tasks": [_shown(task, now) for task in tasks]})


async def shown(ask: ControlRequest) -> ControlResponse | ApiError:
    """One task."""
    return await _told(ask, ask.task_id)


async def forced(ask: ControlRequest) -> ControlResponse | ApiError:
    """End a task now."""
    outcome = _outcome(ask)
    if isinstance(outcome, ApiError):
        return outcome
    task = await _own(ask, ask.task_id)
    if task is None:
        return _unknown(ask.task_id)
    if not await task_overrides.finish_task(ask.service, ask.account, task.id, outcome):
        return ApiError(409, "the task is over, and what is over does not change")
    return await _told(ask, task.id)


async def callbacks(ask: ControlRequest) -> ControlResponse:
    """Every delivery of the account."""
    owed = await ask.service.store.deliveries(ask.account.token)
    return json_response({"callbacks": await _deliveries(ask, owed)})


async def callback(ask: ControlRequest) -> ControlResponse | ApiError:
    """The delivery of one task."""
    owed = await _owed(ask)
    return owed if isinstance(owed, ApiError) else json_response((await _deliveries(ask, [owed]))[0])


async def replayed(ask: ControlRequest) -> ControlResponse | ApiError:
    """Attempt a delivery once more."""
    owed = await _owed(ask)
    if isinstance(owed, ApiError):
        return owed
    if not await task_overrides.redeliver(ask.service, ask.account, owed.task_id):
        return ApiError(409, "it is on the agenda still, and will be attempted by itself")
    return await callback(ask)


async def wait_for_task(ask: ControlRequest) -> ControlResponse | ApiError:
    """Answer when a task is over."""
    task_id = ask.body.task_id

    async def reached() -> Reached:
        task = await _own(ask, task_id)
        if task is None:
            return True, math.inf
        return ask.service.clocks.now(ask.account) >= task.plan.ends, task.plan.ends

    why = await wait(ask.service.clocks, ask.service.notifier, ask.account, reached, ask.body.timeout)
    task = await _own(ask, task_id)
    if task is None:
        return _unknown(task_id)
    seen = _shown(task, ask.service.clocks.now(ask.account))
    return json_response({"reached": why == "reached", "why": why, "task": seen})


async def wait_for_callbacks(ask: ControlRequest) -> ControlResponse:
    """Answer when so many callbacks were delivered."""

    async def delivered() -> list[Delivery]:
        known = await ask.service.store.deliveries(ask.account.token)
        return [one for one in known if any(map(succeeded, one.attempts))]

    async def reached() -> Reached:
        return len(await delivered()) >= ask.body.count, math.inf

    why = await wait(ask.service.clocks, ask.service.notifier, ask.account, reached, ask.body.timeout)
    seen = await _deliveries(ask, await delivered())
    return json_response({"reached": why == "reached", "why": why, "callbacks": seen})


async def calls_made(ask: ControlRequest) -> list[journal.Made]:
    """Every attempt of every delivery of the account, with the body that was sent."""
    found = []
    for owed in await ask.service.store.deliveries(ask.account.token):
        task = await ask.service.store.task(owed.task_id)
        if task is not None:
            found += [
                journal.Made(owed, one, task_body.to_json(task, _told_at(task, one))) for one in owed.attempts
            ]
    return found


def _told_at(task: Task, attempt: Attempt) -> float:
    """The instant that a callback tells of: the end, even when it comes too early."""
    return max(attempt.at, task.plan.ends)


def _outcome(ask: ControlRequest) -> Outcome | ApiError:
    body: Forced = ask.body
    if body.outcome == "completed":
        return SUCCESS if body.code is None else ApiError(400, "code: a completed task has none", "code")
    known = {failure.code: failure for failure in ask.service.spec.failures}
    if body.code not in known:
        return ApiError(400, f"code: has to be one of {', '.join(known)}", "code")
    return Outcome(known[body.code])


async def _own(ask: ControlRequest, task_id: str) -> Task | None:
    task = await ask.service.store.task(task_id)
    return task if task is not None and task.account == ask.account.token else None


async def _owed(ask: ControlRequest) -> Delivery | ApiError:
    task = await _own(ask, ask.task_id)
    owed = None if task is None else await ask.service.store.delivery(task.id)
    return owed or ApiError(404, f"no callback is owed for {ask.task_id[:60]!r}")


def _unknown(task_id: str) -> ApiError:
    return ApiError(404, f"the account has no task {task_id[:60]!r}")


async def _told(ask: ControlRequest, task_id: str) -> ControlResponse | ApiError:
    task = await _own(ask, task_id)
    if task is None:
        return _unknown(task_id)
    return json_response(_shown(task, ask.service.clocks.now(ask.account)))


def _finite(instant: float) -> float | None:
    return instant if math.isfinite(instant) else None


def _shown(task: Task, now: float) -> dict[str, Any]:
    plan, seen = task.plan, view(task.plan, now)
    failure = plan.outcome.failure
    ending = "completed" if failure is None else "failed"
    return {
        "id": task.id,
        "operation": task.operation.id,
        "model": task.model,
        "status": seen.phase.name.lower(),
        "progress": seen.progress,
        "timetable": {
            "created": plan.created,
            "starts": _finite(plan.starts),
            "ends": _finite(plan.ends),
            "expires": _finite(plan.expires) if failure is None else None,
        },
        "outcome": ending if math.isfinite(plan.ends) else None,
        "code": failure.code if failure is not None and seen.phase is Phase.FAILED else None,
        "body": task_body.to_dict(task, now),
    }


async def _deliveries(ask: ControlRequest, owed: Sequence[Delivery]) -> list[dict[str, Any]]:
    dues = ask.service.callback_service.scheduler.dues(ask.account)
    found = []
    for one in owed:
        task = await ask.service.store.task(one.task_id)
        if task is not None:
            found.append(_delivery(task, one, dues, journal.secrets_of(ask.account.token)))
    return found


def _delivery(task: Task, owed: Delivery, dues: dict[str, float], secrets: tuple[str, ...]) -> dict[str, Any]:
    state = "owed" if owed.task_id in dues else "given up"
    if any(map(succeeded, owed.attempts)):
        state = "delivered"
    url = journal.clean(owed.target.url, secrets)
    attempts = [
        {
            "at": one.at,
            "request": {"method": "POST", "url": url, "body": task_body.to_dict(task, _told_at(task, one))},
            "status": one.status,
            "problem": one.problem,
        }
        for one in owed.attempts
    ]
    due = _finite(dues.get(owed.task_id, math.inf))
    return {"task_id": owed.task_id, "url": url, "state": state, "due": due, "attempts": attempts}
