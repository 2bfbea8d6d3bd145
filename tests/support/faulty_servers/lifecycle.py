"""Defects in a task's life, its credits and its results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from support.faulty_servers.exchange import answers, requests, said, when
from support.faulty_servers.wrapper import TASK, Call, Defect, Reply
from support.records.trace_builders import MODEL, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_servers.wrapper import Ask, Handle


def shown(state: str, change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    """Queries that find the task in this state are answered otherwise."""
    return when(lambda call, reply: call.queries and reply.state() == state, change)


def queried(change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    return when(lambda call, reply: call.queries and reply.ok, change)


def counted(change: Callable[[Call, Reply, int], Reply], state: str = "") -> Callable[[], Handle]:
    """The n-th query, from 0, that finds one task in a state (or in any) is answered otherwise."""

    def make() -> Handle:
        times: dict[str, int] = {}

        async def handle(call: Call, ask: Ask) -> Reply:
            reply = await ask(call)
            if not call.queries or not reply.ok or (state and reply.state() != state):
                return reply
            times[call.path] = times.get(call.path, -1) + 1
            return change(call, reply, times[call.path])

        return handle

    return make


def failing(**fields: Any) -> Callable[[], Handle]:
    """The error of a failed task has other fields."""
    return shown("failed", lambda reply: reply.with_error(**fields))


def _flicker(_: Call, reply: Reply, place: int) -> Reply:
    return reply.with_fields(status="pending", progress=0) if place % 2 else reply


def _undone(_: Call, reply: Reply, place: int) -> Reply:
    return (
        reply.with_fields(status="processing", progress=99, results=[], error=None) if place == 1 else reply
    )


def _moved(_: Call, reply: Reply, place: int) -> Reply:
    links = [f"{url.removesuffix('.mp4')}-{place}.mp4" for url in reply.document.get("results", [])]
    return reply.with_fields(results=links) if place else reply


def _sawtooth(_: Call, reply: Reply, place: int) -> Reply:
    return reply.with_fields(progress=80 - 7 * (place % 10))


def open_house() -> Handle:
    """Every key sees every task."""
    owners: dict[str, str] = {}

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        if call.creates and reply.ok:
            owners[TASK + str(reply.document["id"])] = call.token
        if call.queries and reply.status == 403 and call.path in owners:
            return await ask(call.by(owners[call.path]))
        return reply

    return handle


def billing(change: Callable[[float, dict[str, float]], float]) -> Callable[[], Handle]:
    """The remaining credits are told otherwise, by what has happened to the account so far."""

    def make() -> Handle:
        past: dict[str, dict[str, float]] = {}

        async def handle(call: Call, ask: Ask) -> Reply:
            reply = await ask(call)
            mine = past.setdefault(call.token, {"refused": 0, "failed": 0})
            if call.creates and reply.status == 400:
                mine["refused"] += 1
            if call.queries and reply.state() == "failed" and call.path not in mine:
                mine |= {call.path: 1, "failed": mine["failed"] + 1}
            if call.path != "/v1/credits" or not reply.ok:
                return reply
            data = reply.document["data"]
            for side in ("user", "token"):
                data[side]["remaining_credits"] = change(data[side]["remaining_credits"], mine)
            return reply.with_fields(data=data)

        return handle

    return make


def for_free(role: str, status: int) -> Callable[[], Handle]:
    """Who should be refused gets a task all the same: one of somebody's who may."""

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        refused = call.creates and reply.status == status
        return await ask(call.by(call.token.replace(role, "main"))) if refused else reply

    return lambda: handle


def asked_as(**fields: Any) -> Callable[[], Handle]:
    """Whatever is asked for, the task is made with these fields."""
    return requests(lambda call: call.with_fields(**fields) if call.creates and _is_valid(call) else call)


def left_out(**fields: Any) -> Callable[[], Handle]:
    """Where a field is left out, the task is made with this value and not with the documented one."""

    def change(call: Call) -> Call:
        missing = {name: value for name, value in fields.items() if name not in call.document}
        return call.with_fields(**missing) if call.creates and missing and _is_valid(call) else call

    return requests(change)


def _is_valid(call: Call) -> bool:
    document = call.document
    return (
        isinstance(document.get("prompt"), str)
        and document.get("duration", 6) in (6, 10)
        and document.get("quality", "480p") in ("480p", "720p")
    )


def media(change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    return when(lambda call, _: call.path.startswith("/media/"), change)


def keyed(call: Call, reply: Reply) -> Reply:
    bare = call.path.startswith("/media/") and "authorization" not in call.headers
    return said(401, error("unauthorized", "authentication_error")) if bare else reply


def immortal() -> Handle:
    """A link that once worked works for ever."""
    files: dict[str, Reply] = {}

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        if call.path.startswith("/media/") and reply.ok and call.method == "GET":
            files.setdefault(call.path, reply)
        return files.get(call.path, reply) if reply.status == 410 else reply

    return handle


def bare_links() -> Handle:
    """Links end in no extension."""

    async def handle(call: Call, ask: Ask) -> Reply:
        if call.path.startswith("/media/"):
            return await ask(replace(call, path=f"{call.path}.mp4"))
        reply = await ask(call)
        links = reply.document.get("results") if call.queries else None
        return reply.with_fields(results=[url.removesuffix(".mp4") for url in links]) if links else reply

    return handle


GONE = said(404, error("not_found", "invalid_request_error"))
INFO: dict[str, Any] = {"can_cancel": "no"}

LIFE = [
    Defect(
        "task.identity",
        "another created in queries",
        queried(lambda r: r.with_fields(created=r.document["created"] + 1)),
    ),
    Defect(
        "task.identity",
        "the old model name in queries",
        queried(lambda r: r.with_fields(model=MODEL.removesuffix("-beta"))),
    ),
    Defect(
        "task.identity",
        "another model at the end",
        shown("completed", lambda r: r.with_fields(model="other")),
    ),
    Defect(
        "task.status-words",
        "succeeded for completed",
        shown("completed", lambda r: r.with_fields(status="succeeded")),
    ),
    Defect(
        "task.status-words",
        "running for processing",
        shown("processing", lambda r: r.with_fields(status="running")),
    ),
    Defect("task.status-order", "back to pending", counted(_flicker, "processing")),
    Defect(
        "task.ends",
        "a task that never ends",
        when(
            lambda call, reply: call.queries and reply.state() in {"completed", "failed"},
            lambda reply: reply.with_fields(status="processing", progress=99, results=None, error=None),
        ),
    ),
    Defect("task.final", "completed, and then not", counted(_undone, "completed")),
    Defect("task.final", "other results each time", counted(_moved, "completed")),
    Defect(
        "task.progress-range", "more than all", shown("processing", lambda r: r.with_fields(progress=120))
    ),
    Defect(
        "task.progress-range", "less than nothing", shown("processing", lambda r: r.with_fields(progress=-1))
    ),
    Defect("task.progress-range", "a fraction", shown("processing", lambda r: r.with_fields(progress=55.5))),
    Defect(
        "task.progress-range",
        "progress in words",
        shown("processing", lambda r: r.with_fields(progress="40%")),
    ),
    Defect("task.progress-monotone", "falling progress", counted(_sawtooth, "processing")),
    Defect(
        "task.progress-pending",
        "progress while pending",
        shown("pending", lambda r: r.with_fields(progress=10)),
    ),
    Defect(
        "task.progress-completed", "completed at 99", shown("completed", lambda r: r.with_fields(progress=99))
    ),
    Defect("task.progress-failed", "failed at 100", shown("failed", lambda r: r.with_fields(progress=100))),
    Defect(
        "task.results-when-completed", "no results", shown("completed", lambda r: r.with_fields(results=None))
    ),
    Defect(
        "task.results-when-completed",
        "an empty list",
        shown("completed", lambda r: r.with_fields(results=[])),
    ),
    Defect(
        "task.results-when-completed",
        "results too early",
        shown("processing", lambda r: r.with_fields(results=["https://media.example.com/a.mp4"])),
    ),
    Defect(
        "task.results-when-completed",
        "results of a failure",
        shown("failed", lambda r: r.with_fields(results=["https://media.example.com/a.mp4"])),
    ),
    Defect(
        "task.results-uri",
        "a path for a link",
        shown("completed", lambda r: r.with_fields(results=["/a.mp4"])),
    ),
    Defect(
        "task.error-when-failed",
        "an error beside success",
        shown(
            "completed",
            lambda r: r.with_fields(error={"code": "unknown_error", "message": "x\ny", "type": "task_error"}),
        ),
    ),
    Defect(
        "task.error-when-failed",
        "a failure without an error",
        shown("failed", lambda r: r.with_fields(error=None)),
    ),
    Defect("task.error-when-failed", "an error without a code", failing(code=None)),
    Defect("failure.codes", "a code of its own", failing(code="moderation_blocked")),
    Defect("failure.codes", "a number for a code", failing(code=500)),
    Defect("failure.type", "another type", failing(type="api_error")),
    Defect("failure.message", "an empty message", failing(message="")),
    Defect(
        "query.answers-200",
        "a failed task is a 500",
        when(
            lambda c, r: c.queries and r.state() == "failed",
            lambda r: r.with_json(error("internal_error", "api_error"), 500),
        ),
    ),
    Defect(
        "query.answers-200",
        "an ended task is not found",
        shown("completed", lambda _: said(404, error("task_not_found", "invalid_request_error"))),
    ),
    Defect("query.schema", "task_info is a list", queried(lambda r: r.with_fields(task_info=[]))),
    Defect("query.schema", "can_cancel is a word", queried(lambda r: r.with_fields(task_info=INFO))),
    Defect(
        "query.complete",
        "no status",
        shown("processing", lambda r: r.with_json({k: v for k, v in r.document.items() if k != "status"})),
    ),
    Defect(
        "query.complete",
        "no id",
        queried(lambda r: r.with_json({k: v for k, v in r.document.items() if k != "id"})),
    ),
    Defect(
        "query.same-id",
        "the id of another",
        queried(lambda r: r.with_fields(id="task-unified-1757169743-00000000")),
    ),
    Defect("query.extra-fields", "usage as a text", queried(lambda r: r.with_fields(usage="5 credits"))),
    Defect(
        "query.extra-fields",
        "estimated time in words",
        queried(lambda r: r.with_fields(task_info=r.document["task_info"] | {"estimated_time": "soon"})),
    ),
    Defect("query.own-tasks", "every key sees every task", open_house),
    Defect(
        "query.own-tasks",
        "the task of another is a bad id",
        when(
            lambda c, r: c.queries and r.status == 403,
            lambda r: r.with_json(error("invalid_task_id", "invalid_request_error", param="task_id"), 400),
        ),
    ),
    Defect("credits.reserved", "a refusal costs", billing(lambda left, past: left - past["refused"])),
    Defect("credits.refund", "a failure is charged", billing(lambda left, past: left - 5 * past["failed"])),
    Defect("credits.short", "a task for nothing", for_free("poor", 402)),
    Defect("model.access", "a task without leave", for_free("barred", 403)),
    Defect("create.defaults", "ten seconds when nothing is said", left_out(duration=10)),
    Defect("create.defaults", "720p when nothing is said", left_out(quality="720p")),
    Defect("result.duration", "always six seconds", asked_as(duration=6)),
    Defect("result.quality", "always 480 lines", asked_as(quality="480p")),
    Defect("link.24h", "a link that does not exist", media(lambda _: GONE)),
    Defect(
        "link.24h",
        "a link that is dead at once",
        media(lambda r: replace(GONE, status=410, headers=r.headers)),
    ),
    Defect("link.expired", "a link for ever", immortal),
    Defect("link.no-key", "a link that wants a key", answers(keyed)),
    Defect(
        "link.content-type", "a video as text", media(lambda r: r.with_header("content-type", "text/plain"))
    ),
    Defect("link.extension", "a link without an extension", bare_links),
]
