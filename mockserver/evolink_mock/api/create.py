"""The create operations (clauses `create.*`): gather the facts, check the request, create the task, respond."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.api.interpretation import Interpretation, Interpreter
from evolink_mock.api.operations import CompiledOperation, CompiledOperations
from evolink_mock.api.policy import AUTHENTICATION, CREATE, first_error
from evolink_mock.api.recipe_response import draw_variant, encode_task, with_network_faults
from evolink_mock.api.request_context import (
    RequestContext,
    apply_recipe,
    begin,
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
from evolink_mock.http.json_body import check_content_coding, check_content_type
from evolink_mock.http.request_body import keep_body, receive_body
from evolink_mock.http.responses import send_error, send_json
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe, anomalies_of, timetable_for_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.domain.tasks import Anomalies, Timetable
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
        exchange = context.exchange
        context.error = first_error(AUTHENTICATION, context)
        if context.error is not None or context.token is None:
            await keep_body(scope, receive)
            context.error = first_error(
                AUTHENTICATION, context
            )  # its body may show where the client put the key
        else:
            body = await receive_body(scope, receive, context.headers, self._service.max_body)
            await self._interpret(context, body)
            origin = self._service.origins.of(scope, context.headers)
            await self._decide(context, context.token, origin)
            send = with_network_faults(context, scope, send)
            log_recipe_notes(context, context.error)
        task = context.task
        if task is None:
            await send_error(send, exchange, context.error or ApiError(401), context.documented)
            return
        exchange.task_id = task.id
        response = encode_task(self._service, context, task, task.operation)
        await send_json(send, exchange, response, task.operation.success)

    async def _interpret(self, context: RequestContext, body: bytes | ApiError) -> None:
        """Interpret the body, check its callback URL, and add both results to the context."""
        unreadable = _unreadable(context.headers)
        if unreadable is not None:
            body = unreadable
        interpretation = (
            Interpretation(body) if isinstance(body, ApiError) else self._interpreter.interpret(body)
        )
        context.body = interpretation
        compiled = interpretation.compiled
        if not isinstance(compiled, CompiledOperation):
            return
        context.documented = compiled.operation.errors
        rules = compiled.operation.callback
        if rules is not None and isinstance(url := interpretation.document.get(rules.field), str):
            if context.is_fast:
                raise MayWaitError  # resolving a host name takes time
            context.callback = await self._service.callback_service.check(url, rules)

    async def _decide(self, context: RequestContext, token: str, origin: str) -> None:
        """Check the request. If it is accepted, store the task with its price and callback in one write."""
        service = self._service
        delivery: Delivery | None = None

        def step(account: Account, is_taken: IsTaken) -> Change:
            nonlocal delivery
            enter(service, context, account)
            apply_recipe(service, context, recipe_request_of(service, context))
            context.task, context.error = None, first_error(CREATE, context)
            if context.error is not None:
                return NO_CHANGE
            task = context.task = _new_task(service, context, origin, is_taken)
            draw_variant(context)
            target = context.callback
            delivery = first_delivery(task, target) if isinstance(target, ParsedUrl) else None
            return Change(task, delivery)

        await service.store.change(token, step)
        if context.task is None:
            return
        context.exchange.notes += context.body.accepted().notes
        if delivery is not None:
            service.callback_service.scheduler.put(context.account, delivery)


def _unreadable(headers: Mapping[bytes, bytes]) -> ApiError | None:
    """Return the error for a body whose content type or content coding is not accepted, or None."""
    return check_content_type(headers.get(b"content-type", b"")) or check_content_coding(
        headers.get(b"content-encoding", b"")
    )


def _new_task(service: Service, context: RequestContext, origin: str, is_taken: IsTaken) -> Task:
    """Create the task of an accepted request and charge the account for it."""
    account, accepted = context.account, context.body.accepted()
    created = int(context.now)
    random = ids.task_random(account.first_random, account.task_count)
    while is_taken(task_id := ids.task_id(created, random)):
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
    assert isinstance(recipe, Recipe)  # noqa: S101  (`check_recipe` has refused an unknown one)
    queue_end = context.account.latest_end
    return timetable_for_recipe(recipe, context.now, random, service.speed, queue_end), anomalies_of(recipe)
