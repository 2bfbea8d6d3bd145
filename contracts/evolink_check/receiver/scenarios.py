"""The scenarios: what EvoLink, a network or a stranger may send to a receiver, each a function that plays it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_check.client.harness.scenario import Scenario
from evolink_check.receiver.bodies import (
    completed_early,
    to_json,
    unknown_id,
    with_unknown_fields,
    without_each_field,
)
from evolink_check.receiver.contention import MOST, Contention
from evolink_check.receiver.records import TaskCase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from evolink_check.receiver.played_api import Task
    from evolink_check.receiver.records import Framing, Reply, TaskBody
    from evolink_check.receiver.stage import Stage

    PlayFunction = Callable[[Stage], Awaitable[None]]

_PLAYS: dict[str, tuple[Scenario, PlayFunction]] = {}
FIRST = "completed"  # a receiver that does not accept this one is not called again
ALONE = frozenset({"burst"})  # nothing else goes on meanwhile: its time is measured
NEEDS_SECRET = frozenset({"secret-wrong", "secret-missing"})
_FAILED = 3  # failure codes of a run
_AT_ONCE = 4  # equal callbacks at the same time


def scenario(id_: str, about: str) -> Callable[[PlayFunction], PlayFunction]:
    """Register a function that plays a scenario; they are played in the order of registration."""

    def register(function: PlayFunction) -> PlayFunction:
        _PLAYS[id_] = (Scenario(id_, about, expected="either"), function)
        return function

    return register


def scenarios() -> tuple[Scenario, ...]:
    """All scenarios, in the order in which they are played."""
    return tuple(scenario for scenario, _ in _PLAYS.values())


def plays() -> Mapping[str, PlayFunction]:
    """The function of each scenario."""
    return {id_: function for id_, (_, function) in _PLAYS.items()}


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
    stage.defer(_settle_if_refused(stage, case, task.body))


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


@scenario("early", "The callback says completed while a query still says processing.")
async def _early(stage: Stage) -> None:
    task = await stage.api.make()
    case = stage.case(task, "completed")
    link = f"{stage.api.url}/media/{task.id}.mp4"
    reply = await stage.call(case, completed_early(task.body, link), "unconfirmed", label="still processing")
    await stage.note_early_bookings(case)
    task = await stage.api.finish(task)
    case.results = task.results
    stage.defer(_settle(stage, case, task.body, reply))


async def _unconfirmed(stage: Stage, recipe: str, label: str) -> None:
    """A completed task, while every query of it gets another response."""
    task, case = await stage.completed()
    async with stage.api.queries_answered_by(recipe):
        reply = await stage.call(case, task.body, "unconfirmed", label=label)
        await stage.note_early_bookings(case)
    stage.defer(_settle(stage, case, task.body, reply))


async def _settle(stage: Stage, case: TaskCase, body: TaskBody, reply: Reply) -> None:
    if reply.accepted or await stage.redeliver(case, body):
        await stage.expect_action(case)


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
        stage.defer(_settle_if_refused(stage, case, task.body))


async def _settle_if_refused(stage: Stage, case: TaskCase, body: TaskBody) -> None:
    if case.accepted or await stage.redeliver(case, body):
        await stage.expect_action(case)
