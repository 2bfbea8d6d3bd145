"""The create operations (clauses `create.*`): gather the facts, make the checks, create the task, respond."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from evolink_mock.api.operations import CompiledOperation, CompiledOperations
from evolink_mock.api.policy import AUTHENTICATION, CREATE, first_error
from evolink_mock.api.recipe_response import encode_task, with_network_faults
from evolink_mock.api.request_context import RequestContext, apply_recipe, begin, log_recipe_notes
from evolink_mock.api.validation import warnings, with_defaults
from evolink_mock.domain import ids
from evolink_mock.domain.accounts import charge
from evolink_mock.domain.tasks import Task, new_timetable
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import check_content_coding, check_content_type, parse
from evolink_mock.http.request_body import keep_body, receive_body
from evolink_mock.http.responses import send_error, send_json
from evolink_mock.media.spec import media_spec_of
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe, anomalies_of, timetable_for_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.tasks import Anomalies, Timetable
    from evolink_mock.service.service import Service


class CreateEndpoint:
    """The create operations of one path, as an ASGI endpoint."""

    def __init__(self, service: Service, operations: Mapping[str | None, CreateOperation]) -> None:
        self._service = service
        self._operations = CompiledOperations(operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one create request."""
        documented = self._operations.first.operation.errors
        context = await begin(self._service, scope, documented, "create")
        exchange = context.exchange
        error = first_error(AUTHENTICATION, context)
        if error is not None:
            await keep_body(receive, exchange)
        else:
            body = await receive_body(scope, receive, context.headers, self._service.max_body)
            await self._interpret(context, body)
            send = with_network_faults(context, send)
            error = first_error(CREATE, context)
            log_recipe_notes(context, error)
        if error is not None:
            await send_error(send, exchange, error, context.documented)
            return
        task = await self._start(scope, context)
        response = encode_task(self._service, context, task, task.operation)
        await send_json(send, exchange, response, task.operation.success)

    async def _interpret(self, context: RequestContext, body: bytes | ApiError) -> None:
        """Add the facts of the body to the context."""
        document = context.document = _decode(context, body)
        if not isinstance(document, ApiError):
            context.document, context.compiled = self._operations.choose(document)
        if isinstance(context.compiled, CompiledOperation):
            context.documented = context.compiled.operation.errors
        apply_recipe(self._service, context)
        if not isinstance(document, dict) or not isinstance(context.compiled, CompiledOperation):
            return
        rules = context.compiled.operation.callback
        if rules is not None and isinstance(url := document.get(rules.field), str):
            context.callback = await self._service.callback_service.check(url, rules)

    async def _start(self, scope: Scope, context: RequestContext) -> Task:
        """Create the task, charge for it, store it, and schedule its callback."""
        service, compiled = self._service, context.compiled
        assert isinstance(compiled, CompiledOperation)  # noqa: S101  (`check_schema` has refused anything else)
        operation = compiled.operation
        request = with_defaults(context.document, operation)
        origin = service.origins.of(scope, context.headers)
        task = await _new_task(service, context, operation, request, origin)
        charge(context.account, task, compiled.price)
        await service.store.put(task)
        if context.callback is not None and not isinstance(context.callback, ApiError):
            await service.callback_service.schedule(task, context.callback)
        context.exchange.task_id = task.id
        context.exchange.notes += warnings(request, operation)
        return task


def _decode(context: RequestContext, body: bytes | ApiError) -> Any:
    """The decoded body, or the error that prevents it."""
    headers = context.headers
    error = check_content_type(headers.get(b"content-type", b"")) or check_content_coding(
        headers.get(b"content-encoding", b"")
    )
    if error is not None:
        return error
    return body if isinstance(body, ApiError) else parse(body)


async def _new_task(
    service: Service,
    context: RequestContext,
    operation: CreateOperation,
    request: Mapping[str, Any],
    origin: str,
) -> Task:
    account, now = context.account, context.now
    random = ids.task_random(account.first_random, account.task_count)
    while await service.store.task(task_id := ids.task_id(int(now), random)) is not None:
        account.task_count += 1  # another account has created this id in the same second
        random = ids.task_random(account.first_random, account.task_count)
    timetable, anomalies = await _plan(service, context, random)
    media = media_spec_of(request, operation.medium, random)
    # Interned: a million tasks share a few strings.
    requested = request.get("model")
    model = intern(requested if isinstance(requested, str) else str(operation.answer.get("model", "")))
    return Task(task_id, account.token, operation, model, media, origin, timetable, anomalies)


async def _plan(service: Service, context: RequestContext, random: int) -> tuple[Timetable, Anomalies | None]:
    recipe = context.recipe
    if recipe is NO_RECIPE:
        return new_timetable(context.now, random, service.speed), None
    assert isinstance(recipe, Recipe)  # noqa: S101  (`check_recipe` has refused an unknown one)
    queue_end = await _queue_end(service, context) if recipe.queued else context.now
    return timetable_for_recipe(recipe, context.now, random, service.speed, queue_end), anomalies_of(recipe)


async def _queue_end(service: Service, context: RequestContext) -> float:
    """The instant at which the last of the account's tasks ends."""
    tasks = await service.store.tasks(context.account.token)
    return max((task.timetable.ends for task in tasks), default=context.now)
