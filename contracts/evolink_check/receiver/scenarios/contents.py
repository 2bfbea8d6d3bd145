"""Scenarios with unusual fields or slow bodies in callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import with_unknown_fields, without_each_field
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.mock_api import Task
    from evolink_check.receiver.records import Framing, TaskCase
    from evolink_check.receiver.scenario_driver import ScenarioDriver


@scenario("unknown-fields", "Callbacks have unknown fields and an unknown header.")
async def _unknown_fields(driver: ScenarioDriver) -> None:
    headers = (("x-unknown", "1"), ("content-type", "application/json; charset=utf-8"))
    for task, case in (await driver.completed(), await driver.failed(driver.random.choice(driver.failures))):
        body = with_unknown_fields(task.body)
        await driver.call(case, body, "variant", label="with unknown fields", headers=headers)
        driver.defer(driver.expect_action(case)) if case.truth == "completed" and case.accepted else None


@scenario("missing-fields", "Each callback lacks one field, because no document requires any.")
async def _missing_fields(driver: ScenarioDriver) -> None:
    code = driver.random.choice(driver.failures)
    for path, _ in without_each_field((await driver.completed())[0].body):
        await _call_without(driver, path, *(await driver.completed()))
    for path, _ in without_each_field((await driver.failed(code))[0].body):
        if path.startswith("error"):
            await _call_without(driver, path, *(await driver.failed(code)))
    driver.record.cases = [case for case in driver.record.cases if case.calls]


async def _call_without(driver: ScenarioDriver, path: str, task: Task, case: TaskCase) -> None:
    body = dict(without_each_field(task.body))[path]
    await driver.call(case, body, "variant", label=f"without `{path}`")
    if case.accepted and case.truth == "completed":
        driver.defer(driver.expect_action(case))


@scenario("null-error", "Completed callbacks have `error: null`, and failed ones an empty list of results.")
async def _null_error(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    await driver.call(case, {**task.body, "error": None}, "variant", label="with `error: null`")
    if case.accepted:
        driver.defer(driver.expect_action(case))
    task, case = await driver.failed(driver.random.choice(driver.failures))
    await driver.call(case, {**task.body, "results": []}, "variant", label="with `results: []`")


async def _framed(driver: ScenarioDriver, framing: Framing, label: str) -> None:
    if framing in driver.sender.framings:
        task, case = await driver.completed()
        if (await driver.call(case, task.body, "framed", label=label, framing=framing)).accepted:
            driver.defer(driver.expect_action(case))


@scenario("chunked", "The body arrives in chunks, without a Content-Length.")
async def _chunked(driver: ScenarioDriver) -> None:
    await _framed(driver, "chunked", "in chunks")


@scenario("slow-body", "The body arrives slowly, in parts.")
async def _slow_body(driver: ScenarioDriver) -> None:
    await _framed(driver, "slow", "slowly")
