"""`/media/<task>.mp4`: the results, as real files, for a day (clauses `link.*`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import FileResponse

from mockserver.exchanges import KEY, refuse
from mockserver.faults import Fault
from mockserver.looks import content_type, suffix
from mockserver.plans import Phase, view

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from mockserver.exchanges import Exchange
    from mockserver.plans import Task
    from mockserver.service import Service


def refusal(task: Task | None, name: str, now: float) -> Fault | None:
    """404 for what is not there (yet), 410 for a link that is older than a day (clause `link.24h`)."""
    if task is None or name != task.id + suffix(task.operation.medium):
        return Fault(404, "no such result")
    if view(task.plan, now).phase is not Phase.COMPLETED:
        return Fault(404, "the task has no result at this time")
    return Fault(410, "result links live for 24 hours") if now >= task.plan.expires else None


class MediaEndpoint:
    """Hands out results without a token; ranges, HEAD and conditional requests are Starlette's."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, rendered first where nobody has asked for it yet."""
        exchange: Exchange = scope[KEY]
        name: str = scope["path_params"]["name"]
        task = await self._service.store.task(name.partition(".")[0])
        now = self._service.clock.now()
        if task is not None:
            exchange.owner = owner = await self._service.store.account(task.account)
            exchange.account = owner.label
            now = exchange.at = (owner.clock or self._service.clock).now()
        fault = refusal(task, name, now)
        if fault is not None or task is None:
            await refuse(send, exchange, fault or Fault(404))
            return
        exchange.task_id = task.id
        path = await self._service.gallery.file(task.look)
        response = FileResponse(path, media_type=content_type(task.operation.medium))
        await response(scope, receive, _in_shape(send, exchange))


def _in_shape(send: Send, exchange: Exchange) -> Send:
    """Starlette tells of a bad range in plain text: say it as the documents say errors."""
    refused = False

    async def shaped(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            exchange.answer_headers = message["headers"]
            if refused := exchange.status >= 400:  # noqa: PLR2004
                kept = tuple((name, value) for name, value in message["headers"] if name == b"content-range")
                await refuse(send, exchange, Fault(exchange.status, headers=kept))
        if not refused:
            await send(message)

    return shaped
