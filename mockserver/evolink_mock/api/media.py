"""The download of result files from `/media/<task>.mp4` (clauses `link.*`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from evolink_mock.api.byte_ranges import without_invalid_range
from evolink_mock.api.request_context import prefer_of
from evolink_mock.domain.accounts import instant_of, next_random
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.domain.ids import ID_LENGTH, fraction
from evolink_mock.domain.pricing import count_of
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.domain.task_body import media_name
from evolink_mock.domain.tasks import Phase, halfway, view
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error
from evolink_mock.media.spec import content_type, variation
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.network_faults import inject_network_faults
from evolink_mock.recipes.recipe import NO_RECIPE
from evolink_mock.recipes.response_rewriting import ERROR_PAGE
from evolink_mock.recipes.sources import RecipeRequest, resolve_recipe

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.domain.tasks import Anomalies, Task
    from evolink_mock.recipes.recipe import Recipe
    from evolink_mock.service.service import Service


def link_error(task: Task | None, name: str, now: float) -> ApiError | None:
    """Return the error for a result link at the time `now`.

    Returns None if the file can be downloaded. A missing or unfinished result gets a 404. An expired link gets a 410
    (clause `link.24h`).
    """
    if task is None or index_of(task, name) is None:
        return ApiError(404, "no such result")
    if task.anomalies is not None:
        now = _link_time(task, task.anomalies, now)
    if view(task.timetable, now).phase is not Phase.COMPLETED:
        return ApiError(404, "the task has no result at this time")
    if task.anomalies is not None and task.anomalies.link == "404":
        return ApiError(404, "no such result")
    if now < task.timetable.expires:
        return None
    seconds = task.timetable.link_seconds
    if seconds < task.operation.prose.link_seconds:
        return ApiError(410, "the control API has let the links of this task expire")
    return ApiError(410, f"result links live for {seconds / 3600:g} hours")


def index_of(task: Task, name: str) -> int | None:
    """Return the index of the task's result with this file name.

    Returns None if the task has no such result.
    """
    if not task.operation.prose.has_files:
        return None
    return next((index for index in range(count_of(task)) if name == media_name(task, index)), None)


def _link_time(task: Task, anomalies: Anomalies, now: float) -> float:
    timetable = task.timetable
    # After an early callback, the link works before the task ends.
    if anomalies.callback == "early" and now >= halfway(timetable):
        now = max(now, timetable.ends)
    return max(now, timetable.expires) if anomalies.link == "expired" and now >= timetable.ends else now


class MediaEndpoint:
    """The ASGI endpoint for downloads of result files.

    A download needs no token. Starlette handles ranges, HEAD and conditional requests.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the result file. The first request renders the file."""
        service, exchange = self._service, scope[SCOPE_KEY]
        name: str = scope["path_params"]["name"]
        task = await service.store.task(name[:ID_LENGTH])
        now, error = service.clock.now(), None
        if task is not None:
            exchange.journal = recorder = service.store.recorder(task.account)
            exchange.account = recorder.label
            now, recipe, chance = await self._decide(exchange, task.account)
            if recipe is not NO_RECIPE:
                error = _requested_error(recipe)
                send = inject_network_faults(recipe, scope, (), chance, send)
        error = error or link_error(task, name, now)
        if error is not None or task is None:
            await send_error(send, exchange, error or ApiError(404))
            return
        exchange.task_id = task.id
        if _is_redirected(task, exchange):
            exchange.status = 302
            await Response(status_code=302, headers={"location": f"{exchange.path}?redirected=1"})(
                scope, receive, send
            )
            return
        try:
            response = await self._file(task, index_of(task, name) or 0)
        except OSError as problem:  # the folder is missing, or the disk is full
            await send_error(send, exchange, ApiError(500, hint=f"the result cannot be rendered: {problem}"))
            return
        scope = {**scope, "headers": without_invalid_range(scope["headers"])}
        await response(scope, receive, _with_documented_errors(send, exchange))

    async def _decide(self, exchange: Exchange, token: str) -> tuple[float, Recipe | ApiError, float]:
        service = self._service
        prefer = prefer_of(exchange.request_headers)
        recipe_request = RecipeRequest("media", (), prefer)
        account = await service.store.account(token)
        decided: tuple[Recipe | ApiError, float] = (NO_RECIPE, 0.0)

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal decided
            recipe = resolve_recipe(service.registry, account, recipe_request, service.recipe_sources).recipe
            decided = recipe, 0.0 if recipe is NO_RECIPE else fraction(next_random(account))
            return NO_CHANGE

        if prefer is not None or account.assigned is not None:
            await service.store.change(token, step)
        exchange.at = instant_of(account, service.clock.now())
        return (exchange.at, *decided)

    async def _file(self, task: Task, index: int) -> Response:
        anomaly = task.anomalies.link if task.anomalies is not None else ""
        spec = variation(task.media, index)
        kind = content_type(spec)
        if anomaly == "page":
            return Response(ERROR_PAGE, media_type="text/html")
        if anomaly == "empty":
            return Response(b"", media_type=kind)
        path = await self._service.media_cache.file(spec)
        if anomaly != "truncated":
            return FileResponse(path, media_type=kind)
        whole = await asyncio.to_thread(path.read_bytes)
        return Response(whole[: len(whole) // 2], media_type=kind)


def _is_redirected(task: Task, exchange: Exchange) -> bool:
    is_asked = task.anomalies is not None and task.anomalies.link == "redirect"
    return is_asked and b"redirected=1" not in exchange.query  # the redirected request gets the file


def _requested_error(recipe: Recipe | ApiError) -> ApiError | None:
    if isinstance(recipe, ApiError):
        return recipe
    return None if recipe.status not in GATEWAY else ApiError(recipe.status)


def _with_documented_errors(send: Send, exchange: Exchange) -> Send:
    is_error = False

    # Replaces the plain-text errors of Starlette with the documented JSON errors.
    async def send_documented(message: Message) -> None:
        nonlocal is_error
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            exchange.answer_headers = message["headers"]
            if is_error := exchange.status >= 400:  # noqa: PLR2004
                kept = tuple((name, value) for name, value in message["headers"] if name == b"content-range")
                await send_error(send, exchange, ApiError(exchange.status, headers=kept))
        if not is_error:
            await send(message)

    return send_documented
