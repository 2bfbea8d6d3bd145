"""Callbacks at an unfavourable time: early, late, while the API fails, many at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import completed_early
from evolink_check.receiver.contention import MOST, Contention
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import Stage


@scenario("early", "The callback says completed while a query still says processing.")
async def _early(stage: Stage) -> None:
    task = await stage.api.make()
    case = stage.case(task, "completed")
    link = f"{stage.api.url}/media/{task.id}.mp4"
    await stage.call(case, completed_early(task.body, link), "unconfirmed", label="still processing")
    await stage.note_early_bookings(case)
    task = await stage.api.finish(task)
    case.results = task.results
    stage.defer(stage.settle(case, task.body))


async def _unconfirmed(stage: Stage, recipe: str, label: str) -> None:
    """A completed task, while every query of it gets another response."""
    task, case = await stage.completed()
    async with stage.api.queries_answered_by(recipe):
        await stage.call(case, task.body, "unconfirmed", label=label)
        await stage.note_early_bookings(case)
    stage.defer(stage.settle(case, task.body))


@scenario("api-500", "A task has completed, but for a moment the API answers every query with 500.")
async def _api_500(stage: Stage) -> None:
    await _unconfirmed(stage, "500", "the API answers 500")


@scenario("api-429", "A task has completed, but for a moment the API answers every query with 429.")
async def _api_429(stage: Stage) -> None:
    await _unconfirmed(stage, "429=1s", "the API answers 429")


@scenario(
    "api-503", "A task has completed, but for a moment a gateway answers every query with 503 and HTML."
)
async def _api_503(stage: Stage) -> None:
    await _unconfirmed(stage, "503", "a gateway answers 503")


@scenario("api-down", "A task has completed, but for a moment no query is answered.")
async def _api_down(stage: Stage) -> None:
    await _unconfirmed(stage, "drop", "the API does not answer")


@scenario("api-404", "A task has completed, but for a moment the API does not know it.")
async def _api_404(stage: Stage) -> None:
    task, case = await stage.completed()
    async with stage.api.queries_answered_by("404"):
        reply = await stage.call(case, task.body, "unconfirmed", label="the API answers 404")
        await stage.note_early_bookings(case)
    if reply.accepted and not case.booked_early:
        stage.play.cases.remove(case)  # it may take the callback for a forged one
    else:
        stage.defer(stage.settle(case, task.body))


@scenario("late", "The callback comes seconds after the end of the task.")
async def _late(stage: Stage) -> None:
    task, case = await stage.completed()

    async def call_later() -> None:
        await asyncio.sleep(stage.timing.patience / 8)
        async with stage.api.working():
            await stage.call(case, task.body, label="late")
        await stage.expect_action(case)

    stage.defer(call_later())


@scenario("burst", "The callbacks of many tasks come at once.")
async def _burst(stage: Stage) -> None:
    pairs = [await stage.completed() for _ in range(stage.burst)]
    await stage.watch.look()
    with Contention() as contention:
        limit = stage.timing.limit * MOST
        calls = [stage.call(case, task.body, "burst", label="at once", limit=limit) for task, case in pairs]
        await asyncio.gather(*calls)
    stage.mark_late(stage.timing.limit * contention.factor)
    for task, case in pairs:
        stage.defer(stage.settle(case, task.body))
