"""Usual callbacks: of completed and failed tasks, twice, in turns, in another order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check.receiver.scenarios.registry import FIRST, scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import Stage

_FAILED = 3  # failure codes of a run
_AT_ONCE = 4  # equal callbacks at the same time


@scenario(FIRST, "A task has completed.")
async def _completed(stage: Stage) -> None:
    task, case = await stage.completed()
    if (await stage.call(case, task.body)).accepted:
        stage.defer(stage.expect_action(case))


@scenario("failed", "Tasks have failed, each with another documented code.")
async def _failed(stage: Stage) -> None:
    for code in stage.random.sample(stage.failures, min(_FAILED, len(stage.failures))):
        task, case = await stage.failed(code)
        await stage.call(case, task.body, label=code)


@scenario("twice", "A completed and a failed callback come twice, although the first was accepted.")
async def _twice(stage: Stage) -> None:
    for task, case in (await stage.completed(), await stage.failed(stage.random.choice(stage.failures))):
        if not (await stage.call(case, task.body)).accepted:
            continue
        if case.truth == "completed":
            await stage.expect_action(case)  # so that the second finds the first one handled
        await stage.call(case, task.body, "repeat", label="again")


@scenario("twice-at-once", "The same callback comes several times at the same moment.")
async def _twice_at_once(stage: Stage) -> None:
    task, case = await stage.completed()
    await asyncio.gather(
        *(stage.call(case, task.body, "burst", label="at the same moment") for _ in range(_AT_ONCE))
    )
    stage.defer(stage.settle(case, task.body))


@scenario("alternating", "The callbacks of two tasks come in turns: the first one again after the second.")
async def _alternating(stage: Stage) -> None:
    (first, case), (second, other) = await stage.completed(), await stage.completed()
    accepted = (await stage.call(case, first.body)).accepted
    await stage.expect_action(case)
    await stage.call(other, second.body)
    await stage.expect_action(other)
    if accepted:
        await stage.call(case, first.body, "repeat", label="again, after another task")


@scenario("reversed", "The callbacks of three tasks come in the reverse order of their creation.")
async def _reversed(stage: Stage) -> None:
    pairs = [await stage.completed() for _ in range(3)]
    for task, case in reversed(pairs):
        await stage.call(case, task.body, label="in reverse order")
        stage.defer(stage.expect_action(case))
