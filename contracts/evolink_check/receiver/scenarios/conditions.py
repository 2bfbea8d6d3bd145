"""Scenarios with callbacks at unfavourable times.

The callbacks come early, late, many at once, or during errors of the API.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import completed_early
from evolink_check.receiver.contention import MOST, Contention
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import ScenarioDriver


@scenario("early", "The callback reports `completed` while a query still returns `processing`.")
async def _early(driver: ScenarioDriver) -> None:
    task = await driver.make()
    case = driver.case(task, "completed")
    link = f"{driver.api.url}/media/{task.id}.mp4"
    await driver.call(case, completed_early(task.body, link), "unconfirmed", label="still processing")
    await driver.note_early_bookings(case)
    task = await driver.api.finish(task)
    case.results = task.results
    driver.defer(driver.settle(case, task.body))


@scenario("before-create", "The callback comes before the response to the create request.")
async def _before_create(driver: ScenarioDriver) -> None:
    created = await driver.api.make()
    task = await driver.api.finish(created)
    case = driver.case(task, "completed")
    await driver.call(case, task.body, "unconfirmed", label="before the response to the create request")
    await driver.introduce(created)
    driver.defer(driver.settle(case, task.body))


async def _call_during(driver: ScenarioDriver, recipe: str, label: str) -> None:
    task, case = await driver.completed()
    async with driver.api.queries_answered_by(recipe):
        await driver.call(case, task.body, "unconfirmed", label=label)
        await driver.note_early_bookings(case)
    driver.defer(driver.settle(case, task.body))


@scenario("api-500", "A task has completed, but for a moment the API answers every query with 500.")
async def _api_500(driver: ScenarioDriver) -> None:
    await _call_during(driver, "500", "the API answers 500")


@scenario("api-429", "A task has completed, but for a moment the API answers every query with 429.")
async def _api_429(driver: ScenarioDriver) -> None:
    await _call_during(driver, "429=1s", "the API answers 429")


@scenario(
    "api-503", "A task has completed, but for a moment a gateway answers every query with 503 and HTML."
)
async def _api_503(driver: ScenarioDriver) -> None:
    await _call_during(driver, "503", "a gateway answers 503")


@scenario("api-down", "A task has completed, but for a moment no query is answered.")
async def _api_down(driver: ScenarioDriver) -> None:
    await _call_during(driver, "drop", "the API does not answer")


@scenario("api-404", "A task has completed, but for a moment the API answers every query with 404.")
async def _api_404(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    async with driver.api.queries_answered_by("404"):
        reply = await driver.call(case, task.body, "unconfirmed", label="the API answers 404")
        await driver.note_early_bookings(case)
    if reply.accepted and not case.booked_early:
        driver.record.cases.remove(case)  # the receiver may regard the callback as forged
    else:
        driver.defer(driver.settle(case, task.body))


@scenario("late", "The callback comes seconds after the end of the task.")
async def _late(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()

    async def call_later() -> None:
        await asyncio.sleep(driver.timing.patience / 8)
        async with driver.api.working():
            await driver.call(case, task.body, label="late")
        await driver.expect_action(case)

    driver.defer(call_later())


@scenario("burst", "The callbacks of many tasks come at once.")
async def _burst(driver: ScenarioDriver) -> None:
    pairs = [await driver.completed() for _ in range(driver.burst)]
    await driver.monitor.look()
    with Contention() as contention:
        limit = driver.timing.limit * MOST
        calls = [driver.call(case, task.body, "burst", label="at once", limit=limit) for task, case in pairs]
        await asyncio.gather(*calls)
    driver.mark_late(driver.timing.limit * contention.factor)
    for task, case in pairs:
        driver.defer(driver.settle(case, task.body))
