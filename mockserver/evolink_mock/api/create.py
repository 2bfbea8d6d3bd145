"""The create operations (clauses `create.*`): check a create request, create the task, and respond."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.api.interpretation import Interpretation, Interpreter
from evolink_mock.api.operations import CompiledOperation, CompiledOperations
from evolink_mock.api.policy import CREATE, check_token, first_error
from evolink_mock.api.recipe_response import draw_variant, encode_task, with_network_faults
from evolink_mock.api.request_context import (
    RequestContext,
    apply_recipe,
    begin,
    context_of,
    enter,
    log_recipe_notes,
    recipe_request_of,
)
from evolink_mock.domain import ids
from evolink_mock.domain.accounts import charge
from evolink_mock.domain.deliveries import first_delivery
from evolink_mock.domain.parsed_url import ParsedUrl
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.domain.tasks import Task, new_timetable
from evolink_mock.http.connection import MayWaitError
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import JSON, check_content_coding, check_content_type
from evolink_mock.http.request_body import keep_body, keep_whole_body, receive_body
from evolink_mock.http.responses import send_response, set_error, set_json
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe, anomalies_of, timetable_for_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CallbackRules, CreateOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import IsTaken, Step
    from evolink_mock.domain.tasks import Anomalies, Timetable
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.service.service import Service


class CreateEndpoint:
    """The ASGI endpoint of all create operations that share a path."""

    def __init__(self, service: Service, operations: Mapping[str | None, CreateOperation]) -> None:
        self._service = service
        self._operations = CompiledOperations(operations, any_model=service.settings.any_model)
        self._interpreter = Interpreter(self._operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one create request."""
        context = begin(self._service, scope, self._operations.errors, "create")
        if context.token is None:
            await keep_body(scope, receive)  # the body may show where the client put its API key
            context.error = check_token(context)
        else:
            body = await receive_body(scope, receive, context.headers, self._service.max_body)
            self._interpret(context, body)
            if (url := _callback_url(context.body)) is not None:
                context.callback = await self._service.callback_service.check(*url)
            await self._service.store.change(context.token, self._step(context, scope))
            send = with_network_faults(context, scope, send)
            log_recipe_notes(context, context.error)
        self._respond(context)
        await send_response(send, context.exchange)

    def respond_at_once(self, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope) -> None:
        """Respond without awaiting anything.

        Raises `MayWaitError` if the body contains a callback URL. Raises `MayWaitError` if a recipe may apply to the
        request. The error leaves the account unchanged.
        """
        context = self._read(exchange, head, body)
        if context.token is not None:
            self._service.store.change_now(context.token, self._step(context, connection))
        self._respond(context)

    async def respond_in_batch(
        self, exchange: Exchange, head: RequestHead, body: bytes, connection: Scope
    ) -> None:
        """Respond like `respond_at_once`, but wait for the store.

        The store processes several waiting requests in one batch. Raises `MayWaitError` if a callback URL must be
        checked. Raises `MayWaitError` if a recipe may delay the response.
        """
        context = self._read(exchange, head, body)
        if context.token is not None:
            await self._service.store.change(context.token, self._step(context, connection))
        self._respond(context)

    def _read(self, exchange: Exchange, head: RequestHead, body: bytes) -> RequestContext:
        context = context_of(self._service, exchange, head, self._operations.errors, "create")
        context.is_fast = True
        received = keep_whole_body(exchange, body, self._service.max_body)
        if context.token is None:
            context.error = check_token(context)
            return context
        self._interpret(context, received)
        if context.body.raw == exchange.request_body:
            exchange.request_body = context.body.raw  # equal bodies share memory in the journals
        if _callback_url(context.body) is not None:
            raise MayWaitError  # resolving a host name takes time
        return context

    def _interpret(self, context: RequestContext, body: bytes | ApiError) -> None:
        unreadable = _unreadable(context.headers)
        if unreadable is not None:
            body = unreadable
        context.body = body_read = (
            Interpretation(body) if isinstance(body, ApiError) else self._interpreter.interpret(body)
        )
        if isinstance(body_read.compiled, CompiledOperation):
            context.documented = body_read.compiled.operation.errors

    def _step(self, context: RequestContext, connection: Scope) -> Step:
        service = self._service
        origin = service.origins.of(connection, context.headers)

        # The store calls this function with the account of the request.
        def step(account: Account, is_taken: IsTaken) -> Change:
            enter(service, context, account)
            apply_recipe(service, context, recipe_request_of(service, context))
            context.task, context.error = None, first_error(CREATE, context)
            if context.error is not None:
                return NO_CHANGE
            task = context.task = _new_task(service, context, origin, is_taken)
            draw_variant(context)
            target = context.callback
            context.delivery = first_delivery(task, target) if isinstance(target, ParsedUrl) else None
            return Change(task, context.delivery)

        return step

    def _respond(self, context: RequestContext) -> None:
        exchange, task = context.exchange, context.task
        if task is None:
            set_error(exchange, context.error or ApiError(401), context.documented)
            return
        exchange.task_id = task.id
        if notes := context.body.accepted().notes:
            exchange.notes = (*notes, *exchange.notes)
        if context.delivery is not None:
            self._service.callback_service.scheduler.put(context.account, context.delivery)
        if context.recipe is NO_RECIPE:
            response = context.body.accepted().encode(task, context.now)
        else:
            response = encode_task(self._service, context, task, task.operation)
        set_json(exchange, response, task.operation.success)


def _callback_url(body: Interpretation) -> tuple[str, CallbackRules] | None:
    if not isinstance(body.compiled, CompiledOperation):
        return None
    rules = body.compiled.operation.callback
    if rules is None or not isinstance(url := body.document.get(rules.field), str):
        return None
    return url, rules


def _unreadable(headers: Mapping[bytes, bytes]) -> ApiError | None:
    content_type, coding = headers.get(b"content-type", b""), headers.get(b"content-encoding", b"")
    if content_type == JSON and not coding:  # as in almost all requests
        return None
    return check_content_type(content_type) or check_content_coding(coding)


def _new_task(service: Service, context: RequestContext, origin: str, is_taken: IsTaken) -> Task:
    account, accepted = context.account, context.body.accepted()
    created = int(context.now)
    random = ids.task_random(account.first_random, account.task_count)
    while is_taken(task_id := ids.task_id(created, random)):  # by a task of any account
        account.task_count += 1  # another account created a task with this id in the same second
        random = ids.task_random(account.first_random, account.task_count)
    timetable, anomalies = _plan(service, context, random)
    operation = accepted.compiled.operation
    if operation.prose.link_seconds != timetable.link_seconds:
        timetable = replace(timetable, link_seconds=operation.prose.link_seconds)
    media, results = accepted.media(random), accepted.results
    task = Task(
        task_id, account.token, operation, accepted.model, media, origin, timetable, anomalies, results
    )
    charge(account, task, accepted.price)
    return task


def _plan(service: Service, context: RequestContext, random: int) -> tuple[Timetable, Anomalies | None]:
    recipe = context.recipe
    if recipe is NO_RECIPE:
        return new_timetable(context.now, random, service.speed), None
    assert isinstance(recipe, Recipe)  # noqa: S101  (`check_recipe` has refused any error)
    queue_end = context.account.latest_end
    return timetable_for_recipe(recipe, context.now, random, service.speed, queue_end), anomalies_of(recipe)
