"""The unit of every number: a trivial Starlette JSON route, and two bare endpoints that show the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

BODY = (
    b'{"created":1757169743,"id":"task-unified-1757169743-7cvnl5zw","model":"a-model-with-a-long-name-beta",'
    b'"object":"video.generation.task","progress":0,"status":"pending","task_info":{"can_cancel":true,'
    b'"estimated_time":120},"type":"video","usage":{"billing_rule":"per_call","credits_reserved":5,'
    b'"user_group":"default"}}'
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}


async def hello(_: Request) -> JSONResponse:
    """The route that counts as 1."""
    return JSONResponse({"hello": "world"})


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """What uvicorn can do when nothing is done: the body is read, a constant is sent."""
    if scope["type"] == "http":
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        await send(START)
        await send({"type": "http.response.body", "body": BODY})


app = Starlette(routes=[Route("/", hello)])
