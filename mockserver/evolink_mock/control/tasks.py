"""The tasks and callbacks in the control API."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from evolink_spec.options.suggestions import did_you_mean
from msgspec import Meta, Struct

from evolink_mock.control import journal_json
from evolink_mock.control.handler import ControlResponse, json_response, renewed, seconds_of
from evolink_mock.control.paging import page
from evolink_mock.domain import task_body
from evolink_mock.domain.deliveries import succeeded
from evolink_mock.domain.tasks import SUCCESS, Outcome, Phase, view
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.effects import CANCELLED
from evolink_mock.service import task_overrides
from evolink_mock.service.waiting import Reached, wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.control.handler import ControlRequest
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Attempt, Delivery
    from evolink_mock.domain.redaction import Redactor
    from evolink_mock.domain.tasks import Task

_LONGEST_WAIT = 600  # seconds


class ForcedOutcome(Struct, frozen=True):
    """The body of POST /tasks/{task_id}/outcome.

    `failure` is a documented failure code. The code may be followed by a slash and a kind of this
    failure. For example, `content_policy_violation/nudity` names the kind `nudity`. If `failure` is set, `outcome` must
    be `failed` or omitted.
    """

    outcome: Literal["completed", "failed", "cancelled"] | None = None
    failure: str | None = None


class WaitForTask(Struct, frozen=True):
    """The body of POST /wait/task."""

    task_id: Annotated[str, Meta(min_length=1)]
    timeout: float | str = 10.0  # seconds of real time, or a duration such as `2m`


class WaitForCallbacks(Struct, frozen=True):
    """The body of POST /wait/callbacks."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    timeout: float | str = 10.0  # seconds of real time, or a duration such as `2m`


async def list_tasks(request: ControlRequest) -> ControlResponse | ApiError:
    """Return one page of the list of the account's tasks."""
    tasks = page(
        await request.service.store.tasks(request.account.token), lambda task: task.id, request.query
    )
    if isinstance(tasks, ApiError):
        return tasks
    items, after = tasks
    now = request.service.clocks.now(request.account)
    return json_response({"tasks": [task_state(task, now) for task in items], "next": after})


async def show_task(request: ControlRequest) -> ControlResponse | ApiError:
    """Return the state of one task of the account."""
    task = await _own_task(request, request.task_id)
    if task is None:
        return _no_task(request.task_id)
    return json_response(task_state(task, request.service.clocks.now(request.account)))


async def force_outcome(request: ControlRequest) -> ControlResponse | ApiError:
    """End an unfinished task now, with the outcome in the body."""
    outcome = _outcome(request)
    if isinstance(outcome, ApiError):
        return outcome
    task = await _own_task(request, request.task_id)
    if task is None:
        return _no_task(request.task_id)
    if not await task_overrides.finish_task(request.service, request.account, task.id, outcome):
        return ApiError(409, "the task is already finished, and a finished task never changes")
    return await show_task(await renewed(request))


async def expire_links(request: ControlRequest) -> ControlResponse | ApiError:
    """Make the result links of a completed task expire now."""
    task = await _own_task(request, request.task_id)
    if task is None:
        return _no_task(request.task_id)
    if not await task_overrides.expire_links(request.service, request.account, task.id):
        return ApiError(409, "the task has no result links that still work")
    return await show_task(await renewed(request))


async def list_callbacks(request: ControlRequest) -> ControlResponse | ApiError:
    """Return one page of the list of the account's callbacks."""
    deliveries = await request.service.store.deliveries(request.account.token)
    selected = page(deliveries, lambda delivery: delivery.task_id, request.query)
    if isinstance(selected, ApiError):
        return selected
    items, after = selected
    return json_response({"callbacks": await delivery_states(request, items), "next": after})


async def show_callback(request: ControlRequest) -> ControlResponse | ApiError:
    """Return the callback of one task, with all attempts to deliver it."""
    delivery = await _own_delivery(request)
    if isinstance(delivery, ApiError):
        return delivery
    return json_response((await delivery_states(request, [delivery]))[0])


async def redeliver_callback(request: ControlRequest) -> ControlResponse | ApiError:
    """Send the callback again; a 409 if an attempt is still due."""
    delivery = await _own_delivery(request)
    if isinstance(delivery, ApiError):
        return delivery
    if not await task_overrides.redeliver(request.service, request.account, delivery.task_id):
        return ApiError(409, "an attempt of the callback is still due, so there is nothing to repeat")
    return await show_callback(request)


async def wait_for_task(request: ControlRequest) -> ControlResponse | ApiError:
    """Respond when the task has finished or the timeout has expired.

    If the account's clock is frozen, the response is sent at once.
    """
    service, task_id = request.service, request.body.task_id

    async def is_finished(account: Account) -> Reached:
        task = await _own_task(request, task_id)
        if task is None:
            return True, math.inf
        return service.clocks.now(account) >= task.timetable.ends, task.timetable.ends

    timeout = seconds_of(request.body.timeout, "timeout", _LONGEST_WAIT)
    if isinstance(timeout, ApiError):
        return timeout
    why = await wait(service, request.account.token, is_finished, timeout)
    account, task = await service.store.find(request.account.token, task_id)
    if task is None or task.account != account.token:
        return _no_task(task_id)
    state = task_state(task, service.clocks.now(account))
    return json_response({"reached": why == "reached", "why": why, "task": state})


async def wait_for_callbacks(request: ControlRequest) -> ControlResponse | ApiError:
    """Respond when `count` callbacks have been delivered or the timeout has expired.

    If the account's clock is frozen, the response is sent at once.
    """
    service, account = request.service, request.account

    async def delivered() -> list[Delivery]:
        deliveries = await service.store.deliveries(account.token)
        return [delivery for delivery in deliveries if any(map(succeeded, delivery.attempts))]

    async def are_delivered(_: Account) -> Reached:
        return len(await delivered()) >= request.body.count, math.inf

    timeout = seconds_of(request.body.timeout, "timeout", _LONGEST_WAIT)
    if isinstance(timeout, ApiError):
        return timeout
    why = await wait(service, account.token, are_delivered, timeout)
    states = await delivery_states(request, await delivered())
    return json_response({"reached": why == "reached", "why": why, "callbacks": states})


async def sent_callbacks(request: ControlRequest) -> list[journal_json.SentCallback]:
    """Return every attempt to deliver a callback of the account."""
    sent = []
    for delivery in await request.service.store.deliveries(request.account.token):
        task = await request.service.store.task(delivery.task_id)
        if task is not None:
            sent += [
                journal_json.SentCallback(
                    delivery, attempt, task_body.to_json(task, _body_instant(task, attempt))
                )
                for attempt in delivery.attempts
            ]
    return sent


def _body_instant(task: Task, attempt: Attempt) -> float:
    # An attempt before the end (caused by `callback=early`) also shows the finished task.
    return max(attempt.at, task.timetable.ends)


def _outcome(request: ControlRequest) -> Outcome | ApiError:
    body: ForcedOutcome = request.body
    if body.failure is None:
        return _outcome_without_failure(request)
    if body.outcome in {"completed", "cancelled"}:
        return ApiError(400, f"failure: a {body.outcome} task has no failure", "failure")
    try:
        return Outcome(request.service.registry.failure(body.failure))
    except ValueError as error:
        codes = _codes(request)
        hint = did_you_mean(body.failure, codes) or f"; the codes are {', '.join(codes)}"
        return ApiError(400, f"failure: {error}{hint}", "failure")


def _outcome_without_failure(request: ControlRequest) -> Outcome | ApiError:
    outcome = request.body.outcome
    if outcome is None:
        return ApiError(400, "outcome: must be completed, cancelled or failed", "outcome")
    if outcome == "completed":
        return SUCCESS
    if outcome == "cancelled":
        return Outcome(request.service.registry.failure(CANCELLED), is_cancelled=True)
    return ApiError(400, f"failure: must be one of {', '.join(_codes(request))}", "failure")


def _codes(request: ControlRequest) -> list[str]:
    return [failure.code for failure in request.service.spec.failures]


async def _own_task(request: ControlRequest, task_id: str) -> Task | None:
    task = await request.service.store.task(task_id)
    return task if task is not None and task.account == request.account.token else None


async def _own_delivery(request: ControlRequest) -> Delivery | ApiError:
    task = await _own_task(request, request.task_id)
    delivery = None if task is None else await request.service.store.delivery(task.id)
    return delivery or ApiError(404, f"there is no callback for {request.task_id[:60]!r}")


def _no_task(task_id: str) -> ApiError:
    return ApiError(404, f"the account has no task {task_id[:60]!r}")


def _finite(instant: float) -> float | None:
    return instant if math.isfinite(instant) else None


def task_state(task: Task, now: float) -> dict[str, Any]:
    """Return the state of a task at `now`, and the timetable of the task."""
    timetable, seen = task.timetable, view(task.timetable, now)
    failure = timetable.outcome.failure
    failed = "cancelled" if timetable.outcome.is_cancelled else "failed"
    outcome = "completed" if failure is None else failed
    return {
        "id": task.id,
        "operation": task.operation.id,
        "model": task.model,
        "status": seen.phase.name.lower(),
        "progress": seen.progress,
        "timetable": {
            "created": timetable.created,
            "starts": _finite(timetable.starts),
            "ends": _finite(timetable.ends),
            "expires": _finite(timetable.expires) if failure is None else None,
        },
        "outcome": outcome if math.isfinite(timetable.ends) else None,
        "failure": failure.code if failure is not None and seen.phase >= Phase.FAILED else None,
        "body": task_body.to_dict(task, now),
    }


async def delivery_states(request: ControlRequest, deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return callbacks and their attempts as JSON data, without credentials."""
    redactor = journal_json.redactor_of((), request.account.token)
    states = []
    for delivery in deliveries:
        task = await request.service.store.task(delivery.task_id)
        if task is not None:
            states.append(_delivery_state(task, delivery, redactor))
    return states


def _delivery_state(task: Task, delivery: Delivery, redactor: Redactor) -> dict[str, Any]:
    state = "given up" if delivery.due is None else "owed"
    if any(map(succeeded, delivery.attempts)):
        state = "delivered"
    url = redactor.text(delivery.target.url)
    attempts = [
        {
            "at": attempt.at,
            "request": {
                "method": "POST",
                "url": url,
                "body": task_body.to_dict(task, _body_instant(task, attempt)),
            },
            "status": attempt.status,
            "problem": attempt.problem,
            **({"repeated": attempt.repeated} if attempt.repeated else {}),
        }
        for attempt in delivery.attempts
    ]
    due = None if delivery.due is None else _finite(delivery.due)
    return {"task_id": delivery.task_id, "url": url, "state": state, "due": due, "attempts": attempts}
