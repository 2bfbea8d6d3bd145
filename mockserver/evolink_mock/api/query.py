"""The status query, a `GET` that returns the state of a task (clauses `query.*` and `task.*`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.api.policy import AUTHENTICATION, QUERY, first_error
from evolink_mock.api.recipe_response import draw_variant, encode_task, with_network_faults
from evolink_mock.api.request_context import (
    RequestContext,
    apply_recipe,
    begin,
    enter,
    log_recipe_notes,
    recipe_request_of,
)
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error, send_json
from evolink_mock.recipes.sources import NO_SOURCE

if TYPE_CHECKING:
    from evolink_spec import QueryOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.service.service import Service


class QueryEndpoint:
    """The ASGI endpoint of the status query."""

    def __init__(self, service: Service, operation: QueryOperation) -> None:
        self._service = service
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond to one status query."""
        operation = self._operation
        context = begin(self._service, scope, operation.errors, "query")
        context.task_id = scope["path_params"][operation.parameter]
        context.error = first_error(AUTHENTICATION, context)
        if context.error is None and context.token is not None:
            await self._decide(context, context.token)
            send = with_network_faults(context, scope, send)
            log_recipe_notes(context, context.error)
        task, error = context.task, context.error
        if error is not None or task is None:
            await send_error(send, context.exchange, error or ApiError(404), operation.errors)
            return
        context.exchange.task_id = task.id
        body = encode_task(self._service, context, task, operation)
        await send_json(send, context.exchange, body, operation.success)

    async def _decide(self, context: RequestContext, token: str) -> None:
        """Check the request.

        The account is written only if the request has a recipe or the account has a rate limit.
        """
        store = self._service.store
        account, context.task = await store.find(token, context.task_id)
        enter(self._service, context, account)
        if account.rate is None and recipe_request_of(self._service, context) is NO_SOURCE:
            context.error = first_error(QUERY, context)
            return

        def step(account: Account, _: IsTaken) -> Change:
            enter(self._service, context, account)
            apply_recipe(self._service, context, recipe_request_of(self._service, context))
            context.error = first_error(QUERY, context)
            if context.error is None:
                draw_variant(context)
            return NO_CHANGE

        await store.change(token, step)
