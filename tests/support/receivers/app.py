"""An honest receiver of callbacks as an ASGI application; the faulty ones change one step of it each."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

SECRET = "s3cret-of-the-callback"
FINAL = {"completed", "failed"}
_REFUSED = {400, 403, 404}
Body = dict[str, Any]


class Receiver:
    """It confirms each callback with a query, and books it once. `booked` is its ledger."""

    secret = SECRET

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url, self.key = base_url, key
        self.booked: list[Body] = []
        self.seen: set[str] = set()
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.output: list[str] = []
        routes = [Route(path, self.callback, methods=["POST"]) for path in ("/hook", "/hook/")]
        self.app = Starlette(routes=routes, lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(
            base_url=self.base_url, headers=headers, trust_env=False, verify=False, timeout=30.0
        ) as self.http:
            yield

    async def callback(self, request: Request) -> Response:
        """One callback, step by step."""
        if not self.allows(request.query_params.get("secret")):
            return self.forbidden()
        try:
            body = json.loads(await self.read(request))
            task_id = body["id"]
        except (ValueError, TypeError, LookupError):
            return Response(status_code=400)
        if not isinstance(task_id, str):
            return Response(status_code=400)
        early = await self.before(request, body)
        return early if early is not None else await self.locked(task_id, body)

    def allows(self, secret: str | None) -> bool:
        return secret == self.secret

    def forbidden(self) -> Response:
        return Response(status_code=403)

    async def read(self, request: Request) -> bytes:
        return await request.body()

    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        """An answer before anything else is done."""
        return None

    async def locked(self, task_id: str, body: Body) -> Response:
        async with self.locks[task_id]:
            return await self.handle(task_id, body)

    async def handle(self, task_id: str, body: Body) -> Response:
        if self.is_known(task_id, body):
            return self.repeated()
        task = await self.confirm(task_id, body)
        if isinstance(task, Response):
            return task
        await self.act(task_id, task, body)
        return self.accepted()

    def is_known(self, task_id: str, body: Body) -> bool:  # noqa: ARG002
        return task_id in self.seen

    def repeated(self) -> Response:
        return Response(status_code=204)

    def accepted(self) -> Response:
        return Response(status_code=204)

    async def confirm(self, task_id: str, body: Body) -> Body | Response:
        """The task that the API returns, or the answer to a callback that it does not confirm."""
        answer = await self.ask(task_id)
        if answer is None:
            return self.without_api(body)
        if "refused" in answer:
            return self.refused(answer["refused"], body)
        return answer if answer.get("status") in FINAL else await self.unfinished(task_id, body)

    def without_api(self, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=503)

    def refused(self, status: int, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=404)

    async def unfinished(self, task_id: str, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=503)

    async def act(self, task_id: str, task: Body, body: Body) -> None:  # noqa: ARG002
        self.book(task_id, task["status"], task.get("results"))

    def book(self, task_id: str, status: Any, results: Any) -> None:
        self.seen.add(task_id)
        self.booked.append({"id": task_id, "status": status, "results": results or []})

    async def ask(self, task_id: str) -> Body | None:
        """The task; how the API refused it; or None when the API does not work."""
        try:
            answer = await self.http.get(f"/v1/tasks/{task_id}")
            if answer.status_code in _REFUSED:
                return {"refused": answer.status_code}
            return dict(answer.json()) if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError):
            return None


class Silent(Receiver):
    """It tells a stranger nothing, and accepts what it ignores."""

    def forbidden(self) -> Response:
        return Response(status_code=200)

    def refused(self, status: int, body: Body) -> Body | Response:  # noqa: ARG002
        return Response(status_code=200)


class Queueing(Receiver):
    """It answers first, and works afterwards until the task is confirmed."""

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        async with super().lifespan(app):
            worker = asyncio.create_task(self.work())
            yield
            worker.cancel()

    async def locked(self, task_id: str, body: Body) -> Response:  # noqa: ARG002
        self.queue.put_nowait(task_id)
        return Response(status_code=202)

    async def work(self) -> None:
        while True:
            task_id = await self.queue.get()
            answer = None if task_id in self.seen else await self.ask(task_id)
            if task_id in self.seen or (answer and "refused" in answer):
                continue
            if answer and answer["status"] in FINAL:
                self.book(task_id, answer["status"], answer.get("results"))
            else:
                asyncio.get_running_loop().call_later(0.1, self.queue.put_nowait, task_id)


class Open(Receiver):
    """Its URL has no secret: it relies on its query."""

    secret = ""

    def allows(self, secret: str | None) -> bool:  # noqa: ARG002
        return True


class Refusing(Receiver):
    """It refuses with 4xx what a callback should have, and books successes only, without their links."""

    async def before(self, request: Request, body: Body) -> Response | None:  # noqa: ARG002
        missing = body.get("status") == "completed" and not body.get("results")
        return Response(status_code=422) if missing else None

    def book(self, task_id: str, status: Any, results: Any) -> None:  # noqa: ARG002
        self.seen.add(task_id)
        if status == "completed":
            self.booked.append({"task": task_id, "credits": 5})


HONEST = (Receiver, Silent, Queueing, Open, Refusing)
