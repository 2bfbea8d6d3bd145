"""The documented operations as ASGI endpoints: gather the facts, ask the policy, do it, answer."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from msgspec.json import encode

from evolink_mock.api.call import CREATE, RequestContext, begin, resolve_recipe
from evolink_mock.api.operations import CompiledOperation, CompiledOperations
from evolink_mock.api.policy import AFTER_BODY, BEFORE_BODY, CREDITS, QUERY, authenticated, first_fault
from evolink_mock.api.validation import with_defaults
from evolink_mock.domain import ids, task_body
from evolink_mock.domain.accounts import charge, next_random, remaining
from evolink_mock.domain.exchange import KEPT
from evolink_mock.domain.ids import fraction
from evolink_mock.domain.tasks import Task, plan
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import check_content_type, parse
from evolink_mock.http.requests import read_body
from evolink_mock.http.responses import send_error, send_json
from evolink_mock.media.spec import media_spec_of
from evolink_mock.recipes import body_variants
from evolink_mock.recipes.courses import anomalies_of, plan_for_recipe
from evolink_mock.recipes.network_faults import inject_network_faults
from evolink_mock.recipes.registry import NO_RECIPE, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation, QueryOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.service.service import Service


class CreateEndpoint:
    """`POST` that starts a task: clauses `create.*`."""

    def __init__(self, service: Service, operations: Mapping[str | None, CreateOperation]) -> None:
        self._service = service
        self._scripts = CompiledOperations(operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one create."""
        call = await begin(self._service, scope, self._scripts.first.operation.errors, CREATE)
        fault = first_fault(BEFORE_BODY, call)
        if fault is None:
            await self._read(receive, call)
            fault = first_fault(AFTER_BODY, call)
        if call.recipe is not NO_RECIPE:
            send = _way(call, send)
        if fault is not None:
            await send_error(send, call.exchange, fault, call.documented)
            return
        task = await self._start(scope, call)
        body = (
            task_body.to_json(task, call.now)
            if call.recipe is NO_RECIPE
            else _shaped(self._service, call, task)
        )
        await send_json(send, call.exchange, body, task.operation.success)

    async def _read(self, receive: Receive, call: RequestContext) -> None:
        """Gather what the body says into the call."""
        service = self._service
        document = await _document(receive, call, service.max_body)
        call.document = document
        if not isinstance(document, ApiError):
            call.document, call.script = self._scripts.choose(document)
        if isinstance(call.script, CompiledOperation):
            call.documented = call.script.operation.errors
        if call.recipe is NO_RECIPE:
            resolve_recipe(service, call, document)
        if not isinstance(document, dict) or not isinstance(call.script, CompiledOperation):
            return
        rules = call.script.operation.callback
        if rules is not None and isinstance(url := document.get(rules.field), str):
            call.callback_refusal = await service.callback_service.refusal(url, rules)

    async def _start(self, scope: Scope, call: RequestContext) -> Task:
        """Make the task, take its price, keep it, and note its callback."""
        service, script = self._service, call.script
        assert isinstance(script, CompiledOperation)  # noqa: S101  (the policy has refused what has none)
        operation = script.operation
        request = with_defaults(call.document, operation)
        task = await _task(
            service, call, operation, request, service.origins.of(scope, call.headers.get(b"host", b""))
        )
        charge(call.account, task, script.price)
        await service.store.put(task)
        rules = operation.callback
        if rules is not None and (url := request.get(rules.field)) is not None:
            await service.callback_service.schedule(task, url)
        call.exchange.task_id = task.id
        if not request.keys() <= operation.properties or not request.get("image_urls", True):
            call.exchange.notes += _warnings(request, operation)
        return task


async def _task(
    service: Service,
    call: RequestContext,
    operation: CreateOperation,
    request: Mapping[str, Any],
    origin: str,
) -> Task:
    account, now = call.account, call.now
    draw = ids.draw(account.salt, account.tasks)
    while await service.store.task(task_id := ids.task_id(int(now), draw)) is not None:
        account.tasks += 1  # another account has drawn this id in the same second
        draw = ids.draw(account.salt, account.tasks)
    recipe = call.recipe
    if recipe is NO_RECIPE:
        made, odd = plan(now, draw, service.speed), None
    else:
        assert isinstance(recipe, Recipe)  # noqa: S101  (the policy has refused what is none)
        behind = await _behind(service, call) if recipe.queued else now
        made, odd = plan_for_recipe(recipe, now, draw, service.speed, behind), anomalies_of(recipe)
    look = media_spec_of(request, operation.medium, draw)
    # Interned: a million tasks share the few names there are.
    asked = request.get("model")
    model = intern(asked if isinstance(asked, str) else str(operation.answer.get("model", "")))
    return Task(task_id, account.token, operation, model, look, origin, made, odd)


async def _behind(service: Service, call: RequestContext) -> float:
    """When the tasks that the account has now will all have ended."""
    tasks = await service.store.tasks(call.account.token)
    return max((task.plan.ends for task in tasks), default=call.now)


def _way(call: RequestContext, send: Send) -> Send:
    """The way to the client, as the recipe has it."""
    draw = fraction(next_random(call.account))
    return inject_network_faults(call.recipe, call.exchange, call.documented, draw, send)


def _shaped(
    service: Service,
    call: RequestContext,
    task: Task,
    operation: CreateOperation | QueryOperation | None = None,
) -> bytes:
    """The body of a task as the recipe has it."""
    recipe = call.recipe
    if not isinstance(recipe, Recipe) or not (recipe.shape or recipe.word):
        return task_body.to_json(task, call.now)
    schema = body_variants.answer_schema(service.spec, operation or task.operation)
    return body_variants.wire(recipe, task, call.now, schema, next_random(call.account))


def _warnings(request: Mapping[str, Any], operation: CreateOperation) -> tuple[str, ...]:
    """What is let pass but is hardly meant (clauses `create.unknown-fields`, `create.image-urls-empty`)."""
    unknown = sorted(name[:40] for name in request.keys() - operation.properties)
    found = (f"warning: unknown field {', '.join(unknown[:5])}",) if unknown else ()
    return found if request.get("image_urls", True) else (*found, "warning: image_urls is empty")


async def _document(receive: Receive, call: RequestContext, limit: int) -> Any:
    """The decoded body of a request, or a `ApiError`."""
    fault = check_content_type(call.headers.get(b"content-type", b""))
    if fault is not None:
        return fault
    raw = await read_body(receive, call.headers, limit)
    if isinstance(raw, ApiError):
        return raw
    call.exchange.request_body = raw[:KEPT]
    return parse(raw)


class QueryEndpoint:
    """`GET` that tells how a task is doing: clauses `query.*` and `task.*`."""

    def __init__(self, service: Service, operation: QueryOperation) -> None:
        self._service = service
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one poll."""
        call = await begin(self._service, scope, self._operation.errors, "query")
        call.task_id = scope["path_params"][self._operation.parameter]
        task = call.task = await self._service.store.task(call.task_id)
        fault = first_fault(QUERY, call)
        if call.recipe is not NO_RECIPE:
            send = _way(call, send)
        if fault is not None or task is None:
            await send_error(send, call.exchange, fault or ApiError(404), self._operation.errors)
            return
        call.exchange.task_id = task.id
        body = task_body.to_json(task, call.now)
        if call.recipe is not NO_RECIPE:
            body = _shaped(self._service, call, task, self._operation)
        await send_json(send, call.exchange, body, self._operation.success)


class CreditsEndpoint:
    """`GET /v1/credits`: how clients check a key. Its errors carry integer codes (clause `credits.integer-codes`)."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer with what the account has left and has used."""
        call = await begin(self._service, scope, {}, "credits")
        if authenticated(call) is not None:
            error = {"code": 401, "message": "Invalid or expired token", "type": "authentication_error"}
            await send_json(send, call.exchange, encode({"error": error}), 401)
            return
        if call.recipe is not NO_RECIPE:
            send = _way(call, send)
        if (fault := first_fault(CREDITS, call)) is not None:
            await send_error(send, call.exchange, fault)
            return
        left = remaining(call.account, call.now)
        both = {"remaining_credits": left, "used_credits": call.account.used}
        data = {"user": both, "token": {**both, "unlimited_credits": False}}
        await send_json(send, call.exchange, encode({"success": True, "message": "", "data": data}))
