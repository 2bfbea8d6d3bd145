"""Scenarios with usual callbacks about completed and failed tasks.

The callbacks are sent once, repeatedly, or in an unusual order.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check.receiver.scenarios.registry import FIRST, scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import ScenarioDriver

_FAILED = 3  # the number of failure codes in a run
_AT_ONCE = 4  # the number of equal callbacks sent at the same time
_SLOW = "latency=400ms"  # slows down queries, so that a receiver without a lock handles all callbacks at once


@scenario(FIRST, "A task has completed.")
async def _completed(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    if (await driver.call(case, task.body)).accepted:
        driver.defer(driver.expect_action(case))


@scenario("failed", "Tasks have failed, each with a different documented code.")
async def _failed(driver: ScenarioDriver) -> None:
    for code in driver.random.sample(driver.failures, min(_FAILED, len(driver.failures))):
        task, case = await driver.failed(code)
        await driver.call(case, task.body, label=code)


@scenario("twice", "A completed and a failed callback come again, although they were accepted.")
async def _twice(driver: ScenarioDriver) -> None:
    for task, case in (await driver.completed(), await driver.failed(driver.random.choice(driver.failures))):
        if not (await driver.call(case, task.body)).accepted:
            continue
        if case.truth == "completed":
            await driver.expect_action(
                case
            )  # so that the receiver handles the first callback before the second
        await driver.call(case, task.body, "repeat", label="again")


@scenario("twice-at-once", "The same callback comes several times at the same moment.")
async def _twice_at_once(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    calls = [driver.call(case, task.body, "burst", label="at the same moment") for _ in range(_AT_ONCE)]
    async with driver.api.queries_answered_by(_SLOW):
        await asyncio.gather(*calls)
    driver.defer(driver.settle(case, task.body))


@scenario("alternating", "The callback of one task comes again after the callback of another task.")
async def _alternating(driver: ScenarioDriver) -> None:
    (first, case), (second, other) = await driver.completed(), await driver.completed()
    accepted = (await driver.call(case, first.body)).accepted
    await driver.expect_action(case)
    await driver.call(other, second.body)
    await driver.expect_action(other)
    if accepted:
        await driver.call(case, first.body, "repeat", label="again, after another task")


@scenario("reversed", "The callbacks of three tasks come in the reverse order of their creation.")
async def _reversed(driver: ScenarioDriver) -> None:
    pairs = [await driver.completed() for _ in range(3)]
    for task, case in reversed(pairs):
        await driver.call(case, task.body, label="in reverse order")
        driver.defer(driver.expect_action(case))
