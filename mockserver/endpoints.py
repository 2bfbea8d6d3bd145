"""The documented operations as ASGI endpoints: gather the facts, ask the policy, do it, answer."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from msgspec.json import encode

from mockserver import ids, views
from mockserver.accounts import charge, remaining
from mockserver.bodies import check_content_type, parse
from mockserver.calls import Call, open_call
from mockserver.exchanges import KEPT, answer, refuse
from mockserver.faults import Fault
from mockserver.looks import look_of
from mockserver.plans import SUCCESS, Task, plan
from mockserver.policy import BEFORE_BODY, CREATE, QUERY, authenticated, first_fault
from mockserver.recipes import Recipe
from mockserver.requests import read_body
from mockserver.scripts import Script, Scripts
from mockserver.validation import with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from mockserver.service import Service
    from spec import CreateOperation, QueryOperation


class CreateEndpoint:
    """`POST` that starts a task: clauses `create.*`."""

    def __init__(self, service: Service, operations: Mapping[str | None, CreateOperation]) -> None:
        self._service = service
        self._scripts = Scripts(operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one create."""
        call = await open_call(self._service, scope, self._scripts.first.operation.errors)
        fault = first_fault(BEFORE_BODY, call)
        if fault is None:
            await self._read(receive, call)
            fault = first_fault(CREATE, call)
        if fault is not None:
            await refuse(send, call.exchange, fault, call.documented)
            return
        task = await self._start(scope, call)
        await answer(send, call.exchange, views.wire(task, call.now))

    async def _read(self, receive: Receive, call: Call) -> None:
        """Gather what the body says into the call."""
        service = self._service
        document = await _document(receive, call, service.max_body)
        if isinstance(document, Fault):
            call.document = document
            return
        call.document, call.script = self._scripts.choose(document)
        if not isinstance(document, dict) or isinstance(call.script, Fault):
            return
        operation = call.script.operation
        call.documented = operation.errors
        if b"prefer" not in call.headers and (asked := service.cookbook.of_body(document)) is not None:
            call.recipe = asked
        rules = operation.callback
        if rules is not None and isinstance(url := document.get(rules.field), str):
            call.callback_refusal = await service.webhooks.refusal(url, rules)

    async def _start(self, scope: Scope, call: Call) -> Task:
        """Make the task, take its price, keep it, and note its callback."""
        service, script = self._service, call.script
        assert isinstance(script, Script)  # noqa: S101  (the policy has refused what has none)
        operation = script.operation
        request = with_defaults(call.document, operation)
        task = await _task(
            service, call, operation, request, service.origins.of(scope, call.headers.get(b"host", b""))
        )
        charge(call.account, task, script.price)
        await service.store.put(task)
        rules = operation.callback
        if rules is not None and (url := request.get(rules.field)) is not None:
            await service.webhooks.schedule(task, url)
        call.exchange.task_id = task.id
        if not request.keys() <= operation.properties or not request.get("image_urls", True):
            call.exchange.notes += _warnings(request, operation)
        return task


async def _task(
    service: Service, call: Call, operation: CreateOperation, request: Mapping[str, Any], origin: str
) -> Task:
    account, now = call.account, call.now
    draw = ids.draw(account.salt, account.tasks)
    while await service.store.task(task_id := ids.task_id(int(now), draw)) is not None:
        account.tasks += 1  # another account has drawn this id in the same second
        draw = ids.draw(account.salt, account.tasks)
    outcome = call.recipe.outcome if isinstance(call.recipe, Recipe) else SUCCESS
    look = look_of(request, operation.medium, draw)
    # Interned: a million tasks share the few names there are.
    model = intern(str(request.get("model") or operation.answer.get("model", "")))
    return Task(
        task_id, account.token, operation, model, look, origin, plan(now, draw, service.speed, outcome)
    )


def _warnings(request: Mapping[str, Any], operation: CreateOperation) -> tuple[str, ...]:
    """What is let pass but is hardly meant (clauses `create.unknown-fields`, `create.image-urls-empty`)."""
    unknown = sorted(name[:40] for name in request.keys() - operation.properties)
    found = (f"warning: unknown field {', '.join(unknown[:5])}",) if unknown else ()
    return found if request.get("image_urls", True) else (*found, "warning: image_urls is empty")


async def _document(receive: Receive, call: Call, limit: int) -> Any:
    """The decoded body of a request, or a `Fault`."""
    fault = check_content_type(call.headers.get(b"content-type", b""))
    if fault is not None:
        return fault
    raw = await read_body(receive, call.headers, limit)
    if isinstance(raw, Fault):
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
        call = await open_call(self._service, scope, self._operation.errors)
        call.task_id = scope["path_params"][self._operation.parameter]
        task = call.task = await self._service.store.task(call.task_id)
        fault = first_fault(QUERY, call)
        if fault is not None or task is None:
            await refuse(send, call.exchange, fault or Fault(404), self._operation.errors)
            return
        call.exchange.task_id = task.id
        await answer(send, call.exchange, views.wire(task, call.now))


class CreditsEndpoint:
    """`GET /v1/credits`: how clients check a key. Its errors carry integer codes (clause `credits.integer-codes`)."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer with what the account has left and has used."""
        call = await open_call(self._service, scope, {})
        if authenticated(call) is not None:
            error = {"code": 401, "message": "Invalid or expired token", "type": "authentication_error"}
            await answer(send, call.exchange, encode({"error": error}), 401)
            return
        left = remaining(call.account, call.now)
        both = {"remaining_credits": left, "used_credits": call.account.used}
        data = {"user": both, "token": {**both, "unlimited_credits": False}}
        await answer(send, call.exchange, encode({"success": True, "message": "", "data": data}))
