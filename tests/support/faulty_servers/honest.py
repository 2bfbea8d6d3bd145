"""Correct servers that choose otherwise than the mock where the documents are silent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.analysis.request_faults import create_faults
from evolink_check.rules.exchanges.attribution import ID

from support.faulty_servers.exchange import said
from support.faulty_servers.wrapper import TASK, TOKENS, Call, Reply
from support.records.trace_builders import CREATE, SPEC, error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.faulty_servers.wrapper import Ask, Handle

DOWN = said(500, error("internal_error", "api_error"))
INVALID = said(400, error("invalid_request", "invalid_request_error"))
NOT_FOUND = said(404, error("not_found", "invalid_request_error"))
UNKNOWN_FIELD = "x-of-ours"


def strict() -> Handle:
    """Refuses what the documents neither allow nor forbid, and has neither credits nor other methods."""

    async def handle(call: Call, ask: Ask) -> Reply:
        if call.path == "/v1/credits" or (call.path == CREATE and call.method not in {"POST", "HEAD"}):
            return NOT_FOUND
        reply = await ask(call)
        doubtful = call.creates and create_faults(
            call.headers.items(), call.body, SPEC.creates["POST", CREATE]
        )
        return INVALID if doubtful and reply.ok else reply

    return handle


def lenient() -> Handle:
    """Lists the tasks for other methods, adds fields of its own to every answer, and estimates no time."""

    async def handle(call: Call, ask: Ask) -> Reply:
        if call.path == CREATE and call.method in {"GET", "PUT", "PATCH"}:
            reply = await ask(replace(call, method="GET", path="/v1/credits"))
            return reply.with_json({"data": []}) if reply.ok else reply
        reply = await ask(call)
        if not (call.creates or call.queries):
            return reply
        if not reply.ok:
            return reply.with_error(
                **{UNKNOWN_FIELD: 1, "param": reply.document["error"].get("param") or "key"}
            )
        info = reply.document["task_info"] | {UNKNOWN_FIELD: True, "estimated_time": 0}
        return reply.with_fields(**{UNKNOWN_FIELD: [1], "task_info": info})

    return handle


def stumbling() -> Handle:
    """The first answer to each create that would succeed, and to each id, is a 500; no answer has a date."""
    before: set[tuple[str, bytes, str]] = set()

    async def handle(call: Call, ask: Ask) -> Reply:
        place = (call.path, call.body, call.token)
        if (call.queries or call.creates) and place not in before:
            before.add(place)
            faults = create_faults(call.headers.items(), call.body, SPEC.creates["POST", CREATE])
            fit = ID.fullmatch(call.path.removeprefix(TASK)) if call.queries else not faults
            if call.token in TOKENS and fit:  # without a valid key it is a 401
                return DOWN
        reply = await ask(call)
        return reply.with_header("date", None)

    return handle


HONEST: Mapping[str, Callable[[], Handle]] = {"strict": strict, "lenient": lenient, "stumbling": stumbling}
