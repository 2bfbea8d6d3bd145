"""Defects in how a receiver is called: the wrapper calls in the mock's place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2

from support.faulty_servers.wrapper import SCALE, TASK, Call, Defect, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faulty_servers.wrapper import Ask, Handle

END = {"completed", "failed"}


@dataclass(frozen=True)
class Manner:
    """How a receiver is called. The usual one is right; times are the server's seconds."""

    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: Callable[[Reply], Any] = lambda reply: reply.body
    url: Callable[[str], str] = str
    waits: tuple[float, ...] = (1, 2, 4)
    timeout: float = 10
    success: Callable[[int], bool] = lambda status: 200 <= status < 300
    follow: bool = False
    early: bool = False
    key: bool = False
    twice: bool = False
    never: bool = False


def calling(manner: Manner) -> Callable[[], Handle]:
    """A server that calls back in this manner."""

    def make() -> Handle:
        at_work: set[asyncio.Task[None]] = set()

        async def handle(call: Call, ask: Ask) -> Reply:
            url = str(call.document.get("callback_url", ""))
            if not call.creates or not url.startswith("http://127.0.0.1"):
                return await ask(call)
            reply = await ask(call.with_fields(callback_url=None))
            if reply.ok:
                path = TASK + str(reply.document["id"])
                work = asyncio.create_task(_call_back(manner, url, Call("GET", path, call.headers), ask))
                at_work.add(work)
                work.add_done_callback(at_work.discard)
            return reply

        return handle

    return make


async def _call_back(manner: Manner, url: str, query: Call, ask: Ask) -> None:
    reply = await ask(query)
    while reply.state() not in END and not (manner.early and reply.state() == "processing"):
        await asyncio.sleep(0.02)
        reply = await ask(query)
    if manner.never:
        return
    headers = [*manner.headers, *([("authorization", f"Bearer {query.token}")] if manner.key else [])]
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=manner.follow) as client:
        for wait in (*manner.waits, None):
            status = await _attempt(client, manner, url, headers, reply)
            if (manner.success(status) and not manner.twice) or wait is None:
                return
            await asyncio.sleep(wait / SCALE)


async def _attempt(
    client: httpx2.AsyncClient, manner: Manner, url: str, headers: list[tuple[str, str]], reply: Reply
) -> int:
    try:
        async with asyncio.timeout(manner.timeout / SCALE):
            answer = await client.request(
                manner.method, manner.url(url), content=manner.body(reply), headers=headers
            )
    except (httpx2.HTTPError, TimeoutError):
        return 0
    return answer.status_code


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="").geturl()


def calls_without_leave() -> Handle:
    """A receiver that was named once is told of every later task too."""
    inner = calling(Manner())()
    named: list[str] = []

    async def handle(call: Call, ask: Ask) -> Reply:
        url = str(call.document.get("callback_url", ""))
        if call.creates and url.startswith("http://127.0.0.1"):
            named.append(url)
        elif call.creates and call.document and named and "callback_url" not in call.document:
            return await inner(call.with_fields(callback_url=named[0]), ask)
        return await inner(call, ask)

    return handle


def unbilled() -> Handle:
    """The receiver hears of a failure before the credits are back."""
    inner = calling(Manner())()
    failed_at: dict[str, float] = {}

    async def handle(call: Call, ask: Ask) -> Reply:
        now = asyncio.get_running_loop().time

        async def watched(asked: Call) -> Reply:
            seen = await ask(asked)
            if asked.queries and seen.state() == "failed":
                failed_at.setdefault(asked.path, now())
            return seen

        reply = await inner(call, watched)
        if call.path != "/v1/credits" or not reply.ok:
            return reply
        owed = 5 * sum(now() - then < 1.5 for then in failed_at.values())
        data = reply.document["data"]
        for side in ("user", "token"):
            data[side]["remaining_credits"] -= owed
        return reply.with_fields(data=data)

    return handle


def _defect(clause: str, name: str, **manner: Any) -> Defect:
    return Defect(clause, name, calling(Manner(**manner)), scaled=True)


FORM = (("content-type", "application/x-www-form-urlencoded"),)

CALLBACKS = [
    _defect("callback.post", "PUT for POST", method="PUT"),
    _defect("callback.post", "a form for JSON", headers=FORM),
    _defect(
        "callback.body-equals-query",
        "a body of its own",
        body=lambda r: b'{"task_id":"%s"}' % r.document["id"].encode(),
    ),
    _defect(
        "callback.body-equals-query",
        "the results are left out",
        body=lambda r: r.with_fields(results=None, error=None).body,
    ),
    _defect("callback.query-kept", "the query string is dropped", url=_without_query),
    _defect("callback.query-kept", "the query string is added to", url=lambda url: f"{url}&task=1"),
    _defect("callback.timeout", "two seconds are enough", timeout=2),
    _defect("callback.timeout", "half a minute", timeout=30),
    _defect("callback.2xx-success", "only 204 is success", success=lambda status: status == 204),
    _defect("callback.2xx-success", "always twice", twice=True, waits=(1,)),
    _defect("callback.retries", "retries at once", waits=(0, 0, 0)),
    _defect("callback.retries", "a minute between retries", waits=(15, 15, 15)),
    _defect("callback.at-most-three", "five retries", waits=(1, 2, 4, 4, 4)),
    _defect("callback.any-failure", "a redirect is success", success=lambda status: 200 <= status < 400),
    _defect(
        "callback.any-failure",
        "no retry without an answer",
        success=lambda status: status == 0 or status < 300,
    ),
    _defect("callback.any-failure", "no retries at all", waits=()),
    _defect("callback.no-redirects", "redirects are followed", follow=True),
    _defect("callback.no-key", "the key goes along", key=True),
    _defect("callback.at-end", "called while at work", early=True),
    _defect("callback.at-end", "never called", never=True),
    Defect("callback.only-when-asked", "called without being asked", calls_without_leave, scaled=True),
    Defect("callback.after-billing", "called before the credits are back", unbilled, scaled=True),
]
