"""Defects of single answers, whatever they are about: keys, JSON, errors, rates, refused queries, credits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.request_faults import create_faults

from support.faulty_servers.wrapper import Call, Defect, Reply
from support.records.trace_builders import CREATE, SPEC, error, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_servers.wrapper import Ask, Handle

    Change = Callable[[Call, Reply], Reply]


def answers(change: Change) -> Callable[[], Handle]:
    """A defect in what is answered."""

    async def handle(call: Call, ask: Ask) -> Reply:
        return change(call, await ask(call))

    return lambda: handle


def requests(change: Callable[[Call], Call | Reply]) -> Callable[[], Handle]:
    """A defect in what is made of a request: another one, or an answer at once."""

    async def handle(call: Call, ask: Ask) -> Reply:
        changed = change(call)
        return changed if isinstance(changed, Reply) else await ask(changed)

    return lambda: handle


def said(status: int, value: Any, **headers: str) -> Reply:
    return Reply(status, headers, b"").with_json(value)


def when(condition: Callable[[Call, Reply], bool], change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    """A defect in those answers for which a condition holds."""
    return answers(lambda call, reply: change(reply) if condition(call, reply) else reply)


def errors(status: int, *, query: bool, **fields: Any) -> Callable[[], Handle]:
    """Every error of this status of one operation has other fields."""

    def hit(call: Call, reply: Reply) -> bool:
        return reply.status == status and (call.queries if query else call.creates)

    return when(hit, lambda reply: reply.with_error(**fields))


def is_error(call: Call, reply: Reply) -> bool:
    return call.api and reply.status >= 400


def spaced(reply: Reply) -> Reply:
    return replace(reply, body=json.dumps(reply.document).encode()) if reply.document else reply


def stranger() -> Handle:
    """Who sends no key is taken for who came before."""
    known: list[str] = []

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        if reply.status != 401:
            known.append(call.headers.get("authorization", ""))
            return reply
        if "authorization" not in call.headers and known and not call.creates:
            return await ask(replace(call, headers=call.headers | {"authorization": known[-1]}))
        return reply

    return handle


def schemes() -> Handle:
    """Whoever sends anything in another scheme is taken for who came before."""
    known: list[str] = []

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        header = call.headers.get("authorization", "")
        if reply.status != 401:
            known.append(header)
        elif header and not header.lower().startswith("bearer") and known and not call.creates:
            return await ask(replace(call, headers=call.headers | {"authorization": known[-1]}))
        return reply

    return handle


def _is_create_401(call: Call, reply: Reply) -> bool:
    faults = create_faults(call.headers.items(), call.body, SPEC.creates["POST", CREATE])
    return call.creates and reply.status == 401 and any(one.sure for one in faults)


def _unknown_headers(call: Call) -> Call | Reply:
    odd = [name for name in call.headers if name.startswith(("x-", "idempotency"))]
    return said(400, error("invalid_request", "invalid_request_error")) if odd and call.creates else call


def _gateway(reply: Reply) -> Reply:
    return replace(reply, body=b"<html>fine</html>", headers={"content-type": "text/html"})


def _other_ids(call: Call) -> bool:
    return call.queries and not call.path.removeprefix("/v1/tasks/").startswith("task-unified-")


NOT_FOUND = said(404, error("task_not_found", "invalid_request_error"))
DENIED = said(403, error("permission_denied", "invalid_request_error"))

EXCHANGE = [
    Defect("auth.bearer", "a query without a key is answered", stranger),
    Defect("auth.bearer", "another scheme will do", schemes),
    Defect(
        "auth.bearer", "a bad key is 403", when(lambda c, r: c.queries and r.status == 401, lambda _: DENIED)
    ),
    Defect(
        "wire.json",
        "a create is answered as text",
        when(lambda c, r: c.creates and r.ok, lambda r: r.with_header("content-type", "text/plain")),
    ),
    Defect(
        "wire.json",
        "a page for a query",
        when(lambda c, r: c.queries and r.state() == "processing", _gateway),
    ),
    Defect(
        "wire.json",
        "an error that is cut short",
        when(lambda c, r: c.queries and r.status == 404, lambda r: replace(r, body=r.body[:-3])),
    ),
    Defect("wire.compact", "spaces in JSON", answers(lambda c, r: spaced(r) if c.api else r)),
    Defect(
        "wire.slashes",
        "escaped slashes",
        answers(lambda c, r: replace(r, body=r.body.replace(b"/", rb"\/")) if c.api else r),
    ),
    Defect(
        "wire.unknown-headers",
        "a request with a header that is not known is refused",
        requests(_unknown_headers),
    ),
    Defect("error.shape", "errors are a text", when(is_error, lambda r: r.with_json({"error": "No"}))),
    Defect(
        "error.shape",
        "errors are a detail",
        when(lambda c, r: is_error(c, r) and c.queries, lambda r: r.with_json({"detail": "No"})),
    ),
    Defect(
        "error.shape",
        "integer codes",
        when(lambda c, r: is_error(c, r) and (c.queries or c.creates), lambda r: r.with_error(code=r.status)),
    ),
    Defect(
        "error.shape",
        "no message",
        when(
            lambda c, r: is_error(c, r) and c.creates and r.status == 400,
            lambda r: r.with_error(message=None),
        ),
    ),
    Defect("error.no-id", "an error has an id", when(is_error, lambda r: r.with_error(id="req-1"))),
    Defect(
        "error.no-id", "a request id beside the error", when(is_error, lambda r: r.with_fields(id="req-1"))
    ),
    Defect(
        "error.other-paths",
        "a page for other paths",
        when(
            lambda c, r: r.status == 404 and not c.path.startswith(("/v1/tasks/", "/media/")),
            lambda r: replace(r, body=b"<h1>Not found</h1>", headers={"content-type": "text/html"}),
        ),
    ),
    Defect(
        "error.other-paths",
        "a detail for other paths",
        when(
            lambda c, r: r.status == 404 and not c.path.startswith(("/v1/tasks/", "/media/")),
            lambda r: r.with_json({"detail": "Not Found"}),
        ),
    ),
    Defect(
        "error.other-methods",
        "text for other methods",
        when(
            lambda _, r: r.status == 405,
            lambda r: replace(r, body=b"Method Not Allowed", headers={"content-type": "text/plain"}),
        ),
    ),
    Defect(
        "error.documented-status",
        "422 for a bad field",
        when(lambda c, r: c.creates and r.status == 400, lambda r: replace(r, status=422)),
    ),
    Defect(
        "error.documented-status",
        "410 for an unknown task",
        when(lambda c, r: c.queries and r.status == 404, lambda r: replace(r, status=410)),
    ),
    Defect(
        "error.no-500",
        "500 for broken JSON",
        when(
            lambda c, r: c.creates and r.status == 400 and not c.document,
            lambda r: r.with_json(error("internal_error", "api_error"), 500),
        ),
    ),
    Defect(
        "error.no-500",
        "500 for an odd id",
        when(
            lambda c, r: c.queries and r.status == 400,
            lambda r: r.with_json(error("internal_error", "api_error"), 500),
        ),
    ),
    Defect(
        "body.limit",
        "500 for a large body",
        when(
            lambda c, _: c.creates and len(c.body) > 1_000_000,
            lambda r: r.with_json(error("internal_error", "api_error"), 500),
        ),
    ),
    Defect(
        "error.order",
        "a bad body is told to strangers",
        when(_is_create_401, lambda r: r.with_json(error("invalid_request", "invalid_request_error"), 400)),
    ),
    Defect(
        "rate.retry-after",
        "429 without a word how long",
        when(lambda _, r: r.status == 429, lambda r: r.with_header("retry-after", None)),
    ),
    Defect(
        "rate.retry-after",
        "a wait in words",
        when(lambda _, r: r.status == 429, lambda r: r.with_header("retry-after", "soon")),
    ),
    *(
        Defect(
            f"create.error-{status}", f"another code for {status}", errors(status, query=False, code="oops")
        )
        for status in (400, 401, 402, 403, 429)
    ),
    Defect("create.error-402", "the query's code for 402", errors(402, query=False, code="quota_exceeded")),
    Defect("create.error-429", "the query's type for 429", errors(429, query=False, type="evo_api_error")),
    *(
        Defect(
            f"query.error-{status}", f"another type for {status}", errors(status, query=True, type="error")
        )
        for status in (400, 401, 403, 404, 429)
    ),
    Defect(
        "query.id-prefix",
        "404 for any bad id",
        requests(lambda c: NOT_FOUND if _other_ids(c) and c.token else c),
    ),
    Defect(
        "query.unknown-id",
        "an unknown task is pending",
        when(lambda c, r: c.queries and r.status == 404, lambda r: r.with_json(task(), 200)),
    ),
    Defect(
        "query.unknown-id",
        "an unknown task is a bad id",
        when(
            lambda c, r: c.queries and r.status == 404,
            lambda r: r.with_json(error("invalid_task_id", "invalid_request_error", param="task_id"), 400),
        ),
    ),
    Defect(
        "query.own-tasks",
        "the task of another is not found",
        when(lambda c, r: c.queries and r.status == 403, lambda r: replace(NOT_FOUND, headers=r.headers)),
    ),
    Defect(
        "credits.shape",
        "no data",
        when(lambda c, r: c.path == "/v1/credits" and r.ok, lambda r: r.with_fields(data=None)),
    ),
    Defect(
        "credits.shape",
        "amounts are text",
        when(
            lambda c, r: c.path == "/v1/credits" and r.ok,
            lambda r: r.with_json(
                {
                    **r.document,
                    "data": json.loads(
                        json.dumps(r.document["data"]).replace("000,", '000",').replace(": 1", ': "1')
                    ),
                }
            ),
        ),
    ),
    Defect(
        "credits.integer-codes",
        "a code in words",
        when(lambda c, r: c.path == "/v1/credits" and not r.ok, lambda r: r.with_error(code="unauthorized")),
    ),
]
