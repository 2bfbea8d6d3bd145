"""Callbacks that do not come from EvoLink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import completed_early, to_json, unknown_id
from evolink_check.receiver.records import TaskCase
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.scenario_driver import Stage


def _forged_link(stage: Stage, case: TaskCase) -> str:
    case.forged = f"forged-{stage.random.getrandbits(48):012x}"
    return f"{stage.api.url}/media/{case.forged}.mp4"


@scenario("forged-id", "Somebody else reports a task as completed whose id was never issued.")
async def _forged_id(stage: Stage) -> None:
    task = await stage.api.make()
    case = TaskCase(unknown_id(task.body, stage.random), "nothing")
    stage.play.cases.append(case)
    body = completed_early(task.body, _forged_link(stage, case))
    await stage.call(case, {**body, "id": case.id}, "forged", label="an id that was never issued")


@scenario("forged-account", "Somebody reports a completed task of another account.")
async def _forged_account(stage: Stage) -> None:
    task = await stage.api.finish(await stage.api.make(foreign=True), foreign=True)
    case = stage.case(task, "nothing")
    await stage.call(case, task.body, "forged", label="the task of another account")


@scenario("forged-results", "Somebody reports a completed task with a result link of their own.")
async def _forged_results(stage: Stage) -> None:
    task, case = await stage.completed()
    await stage.call(
        case, {**task.body, "results": [_forged_link(stage, case)]}, "forged", label="other results"
    )


@scenario("forged-status", "Somebody reports a failed task as completed.")
async def _forged_status(stage: Stage) -> None:
    task, case = await stage.failed(stage.random.choice(stage.failures))
    body = completed_early(task.body, _forged_link(stage, case))
    body.pop("error", None)
    await stage.call(case, body, "forged", label="failed, reported as completed")


@scenario("secret-wrong", "A callback comes with another secret in its query string.")
async def _secret_wrong(stage: Stage) -> None:
    task, case = await stage.completed()
    other = f"{stage.terms.secret[:-1]}{'0' if stage.terms.secret[-1] != '0' else '1'}"
    url = stage.url_with(other)
    await stage.call(case, task.body, "stranger", label="with another secret", url=url)


@scenario("secret-missing", "A callback comes without the secret in its query string.")
async def _secret_missing(stage: Stage) -> None:
    task, case = await stage.completed()
    url = stage.url_with(None)
    await stage.call(case, task.body, "stranger", label="without the secret", url=url)


@scenario("no-json", "After bodies that are no callback, a usual one comes.")
async def _no_json(stage: Stage) -> None:
    stray = TaskCase("no task", "nothing")
    stage.play.cases.append(stray)
    for body in (b"", b"{", b"[]", b"null", to_json({"id": 1, "status": None})):
        await stage.call(stray, body, "forged", label="no callback")
    task, case = await stage.completed()
    if (await stage.call(case, task.body, label="after bodies that are no callback")).accepted:
        stage.defer(stage.expect_action(case))
