"""Defects in what is taken for a create, and in how it is answered."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from support.faulty_servers.exchange import requests, said, when
from support.faulty_servers.wrapper import TASK, Call, Defect, Reply
from support.records.trace_builders import BODY, CREATE, MODEL, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_servers.wrapper import Ask, Handle

INVALID = said(400, error("invalid_request", "invalid_request_error"))


ABSENT = object()  # what stands in a field that is not there


def takes(field: str, wrong: Callable[[Any], bool], right: Any) -> Callable[[], Handle]:
    """A create whose field is wrong is taken as if it were right."""

    def change(call: Call) -> Call:
        document = call.document
        hit = call.creates and document and wrong(document.get(field, ABSENT))
        return call.with_fields(**{field: right}) if hit else call

    return requests(change)


def refuses(wrong: Callable[[dict[str, Any]], bool]) -> Callable[[], Handle]:
    """A create that is right is refused."""

    async def handle(call: Call, ask: Ask) -> Reply:
        valid = call.creates and call.document and wrong(call.document)
        if valid and (await ask(call.with_fields(**_harmless(call)))).ok:
            return INVALID
        return await ask(call)

    return lambda: handle


def _harmless(call: Call) -> dict[str, Any]:
    return {"mode": call.document.get("mode")}


def made(change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    """The answer of an accepted create is another."""
    return when(lambda call, reply: call.creates and reply.ok, change)


def all_bodies(change: Callable[[Reply], Reply]) -> Callable[[], Handle]:
    """Create and query are changed alike."""
    return when(lambda call, reply: (call.creates or call.queries) and reply.ok, change)


def renaming(there: Callable[[str], str], back: Callable[[str], str]) -> Callable[[], Handle]:
    """Ids look otherwise to the outside, everywhere."""

    async def handle(call: Call, ask: Ask) -> Reply:
        inner = call
        if call.queries:
            inner = Call(
                call.method, TASK + back(call.path.removeprefix(TASK)), call.headers, call.body, call.query
            )
        reply = await ask(inner)
        known = reply.ok and (call.creates or call.queries)
        return reply.with_fields(id=there(str(reply.document["id"]))) if known else reply

    return lambda: handle


def _overwhelmed(call: Call) -> Call | Reply:
    long = call.creates and len(str(call.document.get("prompt"))) >= 5_000
    return said(500, error("internal_error", "api_error")) if long else call


def _as_post(call: Call) -> Call:
    return replace(call, method="POST") if call.path == CREATE and call.method in {"PUT", "PATCH"} else call


def twins() -> Handle:
    """The second create is answered with the first one's id."""
    first: list[Reply] = []

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        if call.creates and reply.ok:
            first.append(reply)
            return first[0]
        return reply

    return handle


def late() -> Handle:
    """A task is not known yet when it is first asked for."""
    asked: set[str] = set()

    async def handle(call: Call, ask: Ask) -> Reply:
        reply = await ask(call)
        if call.queries and reply.ok and call.path not in asked:
            asked.add(call.path)
            return said(404, error("task_not_found", "invalid_request_error"))
        return reply

    return handle


def stumbling(status: int, *, query: bool = False) -> Callable[[], Handle]:
    """The first create, or query, that would succeed gets this status in a way that is not documented."""

    def make() -> Handle:
        gone: list[Call] = []

        async def handle(call: Call, ask: Ask) -> Reply:
            reply = await ask(call)
            if (call.queries if query else call.creates) and reply.ok and not gone:
                gone.append(call)
                return said(status, error("oops", "api_error"))
            return reply

        return handle

    return make


def _usable(call: Call) -> Call:
    return call.with_body(BODY).as_json() if call.creates and not call.body else call


def _text(call: Call) -> Call:
    return (
        call.as_json() if call.creates and call.headers.get("content-type", "").startswith("text/") else call
    )


def _list(call: Call) -> Call:
    return call.with_body(BODY) if call.creates and call.body.lstrip().startswith(b"[") else call


def _model(document: dict[str, Any]) -> bool:
    return document.get("model") == MODEL.removesuffix("-beta")


def _callback(url: Any, pattern: str) -> bool:
    return isinstance(url, str) and re.search(pattern, url) is not None


def internal(pattern: str) -> Callable[[], Handle]:
    """A guard that does not know one notation."""
    return takes("callback_url", lambda url: _callback(url, pattern), "https://hooks.example.com/x")


KNOWN = {*BODY, "duration", "mode", "quality", "callback_url"}
NUMERIC = r"^https://(\d{6,}|0x[0-9a-fA-F]{8}|0\d+\.|127\.1/)"

CREATE_DEFECTS = [
    Defect("prompt.length", "a prompt of 5,000 characters is a 500", requests(_overwhelmed)),
    Defect("error.other-methods", "every method makes a task", requests(_as_post)),
    Defect("wire.all-properties", "usage is in no answer", all_bodies(lambda r: r.with_fields(usage=None))),
    Defect("body.json", "text/plain will do", requests(_text)),
    Defect("body.json", "a list will do", requests(_list)),
    Defect("body.required", "no body means the defaults", requests(_usable)),
    Defect("create.required", "no prompt is needed", takes("prompt", lambda v: v is ABSENT, "x")),
    Defect("create.required", "no model is needed", takes("model", lambda v: v is ABSENT, MODEL)),
    Defect(
        "create.required",
        "no image is needed",
        takes("image_urls", lambda v: v is ABSENT, BODY["image_urls"]),
    ),
    Defect(
        "create.types", "a duration in quotes will do", takes("duration", lambda v: isinstance(v, str), 6)
    ),
    Defect(
        "create.types",
        "a number for a prompt will do",
        takes("prompt", lambda v: isinstance(v, int | float), "x"),
    ),
    Defect(
        "create.types",
        "one image needs no list",
        takes("image_urls", lambda v: isinstance(v, str), BODY["image_urls"]),
    ),
    Defect(
        "model.enum",
        "any model will do",
        takes("model", lambda v: isinstance(v, str) and not v.startswith(MODEL.removesuffix("-beta")), MODEL),
    ),
    Defect("model.alias", "the old name is gone", refuses(_model)),
    Defect(
        "model.actual",
        "the answer has the old name",
        all_bodies(lambda r: r.with_fields(model=MODEL.removesuffix("-beta"))),
    ),
    Defect("prompt.length", "a long prompt is refused", refuses(lambda d: len(str(d.get("prompt"))) > 1000)),
    Defect(
        "create.image-urls-max-one",
        "two images will do",
        takes("image_urls", lambda v: isinstance(v, list) and len(v) > 1, BODY["image_urls"]),
    ),
    Defect(
        "create.image-urls-uri",
        "any words for an image",
        takes(
            "image_urls",
            lambda v: isinstance(v, list) and len(v) == 1 and isinstance(v[0], str) and ":" not in v[0],
            BODY["image_urls"],
        ),
    ),
    Defect(
        "duration.enum",
        "seven seconds will do",
        takes("duration", lambda v: isinstance(v, int) and not isinstance(v, bool) and v not in {6, 10}, 6),
    ),
    Defect(
        "duration.enum",
        "what is between is rounded",
        takes("duration", lambda v: isinstance(v, int) and not isinstance(v, bool) and 6 < v < 10, 10),
    ),
    Defect(
        "mode.enum",
        "capitals will do",
        takes("mode", lambda v: isinstance(v, str) and v not in {"fun", "normal", "spicy"}, "fun"),
    ),
    Defect(
        "quality.enum",
        "any quality will do",
        takes("quality", lambda v: isinstance(v, str) and v not in {"480p", "720p"}, "720p"),
    ),
    Defect("create.accepts", "ten seconds are refused", refuses(lambda d: d.get("duration") == 10)),
    Defect("create.accepts", "a documented mode is refused", refuses(lambda d: d.get("mode") == "spicy")),
    Defect(
        "create.accepts", "a documented quality is refused", refuses(lambda d: d.get("quality") == "720p")
    ),
    Defect("create.unknown-fields", "unknown fields are refused", refuses(lambda d: bool(d.keys() - KNOWN))),
    Defect("create.answers-200", "201 for a create", made(lambda r: r.with_json(r.document, 201))),
    Defect("create.answers-200", "202 for a create", made(lambda r: r.with_json(r.document, 202))),
    Defect("create.schema", "task_info is a text", made(lambda r: r.with_fields(task_info="soon"))),
    Defect(
        "create.schema",
        "can_cancel is a word",
        made(lambda r: r.with_fields(task_info={"can_cancel": "yes", "estimated_time": 1})),
    ),
    Defect("create.complete", "no progress", made(lambda r: r.with_fields(progress=None))),
    Defect("create.complete", "no created", made(lambda r: r.with_fields(created=None))),
    Defect("create.complete", "no model", made(lambda r: r.with_fields(model=None))),
    Defect(
        "create.pending-first", "a new task is at work", made(lambda r: r.with_fields(status="processing"))
    ),
    Defect("create.pending-first", "a new task is at five", made(lambda r: r.with_fields(progress=5))),
    Defect("create.pending-first", "a new task is queued", made(lambda r: r.with_fields(status="queued"))),
    Defect("create.readable-at-once", "a task takes a moment to be known", late),
    Defect("create.error-500", "a 500 with another code", stumbling(500)),
    Defect("query.error-500", "a query's 500 has another code", stumbling(500, query=True)),
    Defect("query.error-402", "a query's 402 has another code", stumbling(402, query=True)),
    Defect(
        "id.format",
        "ids in capitals",
        renaming(
            lambda i: i[:-8] + i[-8:].upper(),
            lambda i: i.lower(),
        ),
    ),
    Defect(
        "id.created",
        "an id of another second",
        renaming(
            lambda i: f"{i[:13]}{int(i[13:23]) - 7}{i[23:]}",
            lambda i: (
                f"{i[:13]}{int(i[13:23]) + 7}{i[23:]}" if re.fullmatch(r"task-unified-\d{10}-.{8}", i) else i
            ),
        ),
    ),
    Defect("id.unique", "two creates, one id", twins),
    Defect(
        "task.created",
        "milliseconds",
        all_bodies(lambda r: r.with_fields(created=r.document["created"] * 1000)),
    ),
    Defect("task.kind", "an image for a video", all_bodies(lambda r: r.with_fields(type="image"))),
    Defect(
        "task.kind",
        "an object of another medium",
        all_bodies(lambda r: r.with_fields(object="image.generation.task")),
    ),
    Defect(
        "task.estimated-time",
        "time below zero",
        made(lambda r: r.with_fields(task_info={"can_cancel": True, "estimated_time": -5})),
    ),
    Defect(
        "task.estimated-time",
        "time in words",
        made(lambda r: r.with_fields(task_info={"can_cancel": True, "estimated_time": "5 s"})),
    ),
    Defect(
        "usage.shape",
        "credits in quotes",
        made(lambda r: r.with_fields(usage=r.document["usage"] | {"credits_reserved": "5"})),
    ),
    Defect(
        "usage.shape",
        "a billing rule of its own",
        made(lambda r: r.with_fields(usage=r.document["usage"] | {"billing_rule": "per_mood"})),
    ),
    Defect(
        "usage.shape",
        "no user group",
        made(
            lambda r: r.with_fields(usage={k: v for k, v in r.document["usage"].items() if k != "user_group"})
        ),
    ),
    Defect(
        "callback.https-only",
        "plain http is called back",
        takes("callback_url", lambda url: _callback(url, "^http://(?!127)"), "https://hooks.example.com/x"),
    ),
    Defect(
        "callback.max-length",
        "2049 characters will do",
        takes(
            "callback_url",
            lambda url: isinstance(url, str) and len(url) > 2048,
            "https://hooks.example.com/x",
        ),
    ),
    Defect(
        "callback.max-length",
        "2048 characters are refused",
        refuses(lambda d: len(str(d.get("callback_url", ""))) == 2048),
    ),
    Defect(
        "callback.uri",
        "words for a callback URL",
        takes(
            "callback_url",
            lambda url: isinstance(url, str) and (":" not in url or " " in url),
            "https://hooks.example.com/x",
        ),
    ),
    Defect("callback.no-internal", "loopback is called back", internal(r"^https://127\.0\.0\.1")),
    Defect(
        "callback.no-internal", "a network of its own is called back", internal(r"^https://(10|192\.168)\.")
    ),
    Defect("callback.no-internal", "numbers are not read as addresses", internal(NUMERIC)),
    Defect("callback.no-internal", "IPv6 is not looked at", internal(r"^https://\[")),
    Defect("callback.no-internal", "localhost is a name like others", internal(r"(?i)^https://localhost")),
    Defect(
        "callback.unresolved",
        "a name that nobody has is refused",
        refuses(
            lambda d: (
                _callback(d.get("callback_url"), "^https://[a-z0-9.-]+[a-z]/")
                and len(d["callback_url"]) < 500
            )
        ),
    ),
]
