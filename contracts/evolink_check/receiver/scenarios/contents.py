"""Callbacks with other fields than usual, and bodies that arrive otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.receiver.bodies import with_unknown_fields, without_each_field
from evolink_check.receiver.scenarios.registry import scenario

if TYPE_CHECKING:
    from evolink_check.receiver.mock_api import Task
    from evolink_check.receiver.records import Framing, TaskCase
    from evolink_check.receiver.scenario_driver import Stage


@scenario("unknown-fields", "Callbacks have unknown fields and an unknown header.")
async def _unknown_fields(stage: Stage) -> None:
    headers = (("x-unknown", "1"), ("content-type", "application/json; charset=utf-8"))
    for task, case in (await stage.completed(), await stage.failed(stage.random.choice(stage.failures))):
        body = with_unknown_fields(task.body)
        await stage.call(case, body, "variant", label="with unknown fields", headers=headers)
        stage.defer(stage.expect_action(case)) if case.truth == "completed" and case.accepted else None


@scenario("missing-fields", "Callbacks lack one field each: no document requires any.")
async def _missing_fields(stage: Stage) -> None:
    code = stage.random.choice(stage.failures)
    for path, _ in without_each_field((await stage.completed())[0].body):
        await _call_without(stage, path, *(await stage.completed()))
    for path, _ in without_each_field((await stage.failed(code))[0].body):
        if path.startswith("error"):
            await _call_without(stage, path, *(await stage.failed(code)))
    stage.play.cases = [case for case in stage.play.cases if case.calls]


async def _call_without(stage: Stage, path: str, task: Task, case: TaskCase) -> None:
    body = dict(without_each_field(task.body))[path]
    await stage.call(case, body, "variant", label=f"without `{path}`")
    if case.accepted and case.truth == "completed":
        stage.defer(stage.expect_action(case))


@scenario("null-error", "A completed callback has `error: null`, a failed one an empty list of results.")
async def _null_error(stage: Stage) -> None:
    task, case = await stage.completed()
    await stage.call(case, {**task.body, "error": None}, "variant", label="with `error: null`")
    if case.accepted:
        stage.defer(stage.expect_action(case))
    task, case = await stage.failed(stage.random.choice(stage.failures))
    await stage.call(case, {**task.body, "results": []}, "variant", label="with `results: []`")


async def _framed(stage: Stage, framing: Framing, label: str) -> None:
    if framing in stage.door.framings:
        task, case = await stage.completed()
        if (await stage.call(case, task.body, "framed", label=label, framing=framing)).accepted:
            stage.defer(stage.expect_action(case))


@scenario("chunked", "The body comes in chunks, without a Content-Length.")
async def _chunked(stage: Stage) -> None:
    await _framed(stage, "chunked", "in chunks")


@scenario("slow-body", "The body comes slowly, in parts.")
async def _slow_body(stage: Stage) -> None:
    await _framed(stage, "slow", "slowly")
