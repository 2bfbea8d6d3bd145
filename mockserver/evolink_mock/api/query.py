"""The status query, a `GET` that returns the state of a task (clauses `query.*` and `task.*`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.api.policy import QUERY, check_token, first_error
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
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_response, set_error, set_json
from evolink_mock.recipes.sources import NO_SOURCE

if TYPE_CHECKING:
    from evolink_spec import QueryOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.service.service import Service


class QueryEndpoint:
    """The ASGI endpoint of the status query."""

    def __init__(self, service: Service, operation: QueryOperation) -> None:
        self._service = service
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond to one status query."""
        context = begin(self._service, scope, self._operation.errors, "query")
        await self._decide(context)
        send = with_network_faults(context, scope, send)
        self._respond(context)
        await send_response(send, context.exchange)

    async def respond_in_lane(
        self,
        exchange: Exchange,
        head: RequestHead,
        body: bytes,  # noqa: ARG002
        connection: Scope,  # noqa: ARG002
    ) -> None:
        """Respond to one status query in the fast lane, unless it has a recipe."""
        context = context_of(self._service, exchange, head, self._operation.errors, "query")
        context.is_fast = True
        await self._decide(context)
        self._respond(context)

    async def _decide(self, context: RequestContext) -> None:
        """Check the request.

        The account is written only if the request has a recipe or the account has a rate limit.
        """
        context.error = check_token(context)
        if context.token is None:
            return
        store = self._service.store
        context.task_id = context.exchange.path.rpartition("/")[2]
        account, context.task = await store.find(context.token, context.task_id)
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

        await store.change(context.token, step)

    def _respond(self, context: RequestContext) -> None:
        """Add the response to the exchange: the task or the error."""
        exchange, task, error = context.exchange, context.task, context.error
        log_recipe_notes(context, error)
        if error is not None or task is None:
            set_error(exchange, error or ApiError(404), self._operation.errors)
            return
        exchange.task_id = task.id
        body = encode_task(self._service, context, task, self._operation)
        set_json(exchange, body, self._operation.success)
