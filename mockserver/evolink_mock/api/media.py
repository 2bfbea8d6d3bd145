"""`/media/<task>.mp4`: the results, as real files, for a day (clauses `link.*`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from evolink_mock.domain.accounts import next_random
from evolink_mock.domain.exchange import KEY
from evolink_mock.domain.ids import fraction
from evolink_mock.domain.tasks import Phase, halfway, view
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error
from evolink_mock.media.spec import content_type, suffix
from evolink_mock.recipes import assignments
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.network_faults import inject_network_faults
from evolink_mock.recipes.registry import NO_RECIPE

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.tasks import Anomalies, Task
    from evolink_mock.recipes.registry import Recipe
    from evolink_mock.service.service import Service

MEDIA = "media"  # as an order names it


def refusal(task: Task | None, name: str, now: float) -> ApiError | None:
    """404 for what is not there (yet), 410 for a link that is older than a day (clause `link.24h`)."""
    if task is None or name != task.id + suffix(task.operation.medium):
        return ApiError(404, "no such result")
    if task.anomalies is not None:
        now = _instant(task, task.anomalies, now)
    if view(task.plan, now).phase is not Phase.COMPLETED:
        return ApiError(404, "the task has no result at this time")
    if task.anomalies is not None and task.anomalies.link == "404":
        return ApiError(404, "no such result")
    return ApiError(410, "result links live for 24 hours") if now >= task.plan.expires else None


def _instant(task: Task, anomalies: Anomalies, now: float) -> float:
    """When a link is looked at, for one that works as soon as an early callback names it, or only ever did."""
    plan = task.plan
    if anomalies.callback == "early" and now >= halfway(plan):
        now = max(now, plan.ends)
    return max(now, plan.expires) if anomalies.link == "expired" and now >= plan.ends else now


class MediaEndpoint:
    """Hands out results without a token; ranges, HEAD and conditional requests are Starlette's."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, rendered first where anonymous has asked for it yet."""
        exchange: Exchange = scope[KEY]
        name: str = scope["path_params"]["name"]
        task = await self._service.store.task(name.partition(".")[0])
        now, fault = self._service.clock.now(), None
        if task is not None:
            exchange.owner = owner = await self._service.store.account(task.account)
            exchange.account = owner.label
            now = exchange.at = (owner.clock or self._service.clock).now()
            recipe = self._recipe(scope, owner)
            if recipe is not NO_RECIPE:
                fault = _fault(recipe)
                send = inject_network_faults(recipe, exchange, (), fraction(next_random(owner)), send)
        fault = fault or refusal(task, name, now)
        if fault is not None or task is None:
            await send_error(send, exchange, fault or ApiError(404))
            return
        exchange.task_id = task.id
        response = await self._file(task)
        await response(scope, receive, _in_shape(send, exchange))

    def _recipe(self, scope: Scope, owner: Account) -> Recipe | ApiError:
        """What a header, else an order, says of this request: a result is asked for without a token."""
        prefer = next((value for name, value in scope["headers"] if name == b"prefer"), None)
        series = None if prefer is None else self._service.registry.of_header(prefer)
        if series is not None:
            return series if isinstance(series, ApiError) else assignments.step_of(owner, MEDIA, series)
        return NO_RECIPE if owner.orders is None else assignments.next_for(owner, MEDIA, ()) or NO_RECIPE

    async def _file(self, task: Task) -> Response:
        """The file, or as much of it as is to be had."""
        path, kind = await self._service.media_cache.file(task.media), content_type(task.operation.medium)
        if task.anomalies is None or task.anomalies.link != "truncated":
            return FileResponse(path, media_type=kind)
        whole = await asyncio.to_thread(path.read_bytes)
        return Response(whole[: len(whole) // 2], media_type=kind)


def _fault(recipe: Recipe | ApiError) -> ApiError | None:
    """The refusal that a recipe asks for."""
    if isinstance(recipe, ApiError):
        return recipe
    return None if recipe.status not in GATEWAY else ApiError(recipe.status)


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
                await send_error(send, exchange, ApiError(exchange.status, headers=kept))
        if not refused:
            await send(message)

    return shaped
