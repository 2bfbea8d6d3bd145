"""Scenarios with callbacks that do not come from EvoLink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import completed_early, to_json, unknown_id
from evolink_check.receiver.records import TaskCase
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import ScenarioDriver


def _forged_link(driver: ScenarioDriver, case: TaskCase) -> str:
    case.forged = f"forged-{driver.random.getrandbits(48):012x}"
    return f"{driver.api.url}/media/{case.forged}.mp4"


@scenario("forged-id", "A forged callback reports a completed task whose id was never issued.")
async def _forged_id(driver: ScenarioDriver) -> None:
    task = await driver.api.make()
    case = TaskCase(unknown_id(task.body, driver.random), "nothing")
    driver.record.cases.append(case)
    body = completed_early(task.body, _forged_link(driver, case))
    await driver.call(case, {**body, "id": case.id}, "forged", label="an id that was never issued")


@scenario("forged-account", "A forged callback reports a completed task of another account.")
async def _forged_account(driver: ScenarioDriver) -> None:
    task = await driver.api.finish(await driver.api.make(foreign=True), foreign=True)
    case = driver.case(task, "nothing")
    await driver.call(case, task.body, "forged", label="the task of another account")


@scenario("forged-results", "A forged callback reports a completed task with another result link.")
async def _forged_results(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    await driver.call(
        case, {**task.body, "results": [_forged_link(driver, case)]}, "forged", label="other results"
    )


@scenario("forged-status", "A forged callback reports a failed task as completed.")
async def _forged_status(driver: ScenarioDriver) -> None:
    task, case = await driver.failed(driver.random.choice(driver.failures))
    body = completed_early(task.body, _forged_link(driver, case))
    body.pop("error", None)
    await driver.call(case, body, "forged", label="failed, reported as completed")


@scenario("secret-wrong", "A callback has a wrong secret in its query string.")
async def _secret_wrong(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    other = f"{driver.terms.secret[:-1]}{'0' if driver.terms.secret[-1] != '0' else '1'}"
    url = driver.url_with(other)
    await driver.call(case, task.body, "stranger", label="with another secret", url=url)


@scenario("secret-missing", "A callback has no secret in its query string.")
async def _secret_missing(driver: ScenarioDriver) -> None:
    task, case = await driver.completed()
    url = driver.url_with(None)
    await driver.call(case, task.body, "stranger", label="without the secret", url=url)


@scenario("no-json", "A usual callback follows several bodies that are not callbacks.")
async def _no_json(driver: ScenarioDriver) -> None:
    stray = TaskCase("no task", "nothing")
    driver.record.cases.append(stray)
    for body in (b"", b"{", b"[]", b"null", to_json({"id": 1, "status": None})):
        await driver.call(stray, body, "forged", label="no callback")
    task, case = await driver.completed()
    if (await driver.call(case, task.body, label="after bodies that are not callbacks")).accepted:
        driver.defer(driver.expect_action(case))
