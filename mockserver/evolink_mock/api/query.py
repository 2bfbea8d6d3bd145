"""The status query returns the state of a task (clauses `query.*` and `task.*`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

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
    from evolink_mock.domain.store import BatchingStore, IsTaken, Step
    from evolink_mock.domain.tasks import Task
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

    def respond_at_once(self, exchange: Exchange, head: RequestHead, *_: object) -> None:
        """Respond without awaiting anything.

        Raises `MayWaitError` if a recipe may apply to the request. The error leaves the account unchanged.
        """
        context = context_of(self._service, exchange, head, self._operation.errors, "query")
        context.is_fast = True
        if self._authenticate(context):
            store = self._service.store
            if not self._try_checks(context, *store.find_now(context.token or "", context.task_id)):
                store.change_now(context.token or "", self._step(context))
        self._respond(context)

    def respond_from_cache(self, exchange: Exchange, head: RequestHead) -> bool:
        """Respond and return True if the task is in the store's cache.

        Returns False without a response if the task is not in the cache. Returns False if the account has a rate limit.
        Raises `MayWaitError` if a recipe may apply. The store must be a `BatchingStore`.
        """
        context = context_of(self._service, exchange, head, self._operation.errors, "query")
        context.is_fast = True
        if self._authenticate(context):
            store = cast("BatchingStore", self._service.store)
            state = store.find_cached(context.token or "", context.task_id)
            if state is None or not self._try_checks(context, *state):
                return False
        self._respond(context)
        return True

    async def respond_in_batch(self, exchange: Exchange, head: RequestHead, *_: object) -> None:
        """Respond like `respond_at_once`, but wait for the store.

        The store processes several waiting requests in one batch. Raises `MayWaitError` if a recipe may delay the
        response.
        """
        context = context_of(self._service, exchange, head, self._operation.errors, "query")
        context.is_fast = True
        await self._decide(context)
        self._respond(context)

    async def _decide(self, context: RequestContext) -> None:
        if self._authenticate(context):
            store = self._service.store
            if not self._try_checks(context, *await store.find(context.token or "", context.task_id)):
                await store.change(context.token or "", self._step(context))

    def _authenticate(self, context: RequestContext) -> bool:
        context.error = check_token(context)
        context.task_id = context.exchange.path.rpartition("/")[2]
        return context.token is not None

    def _try_checks(self, context: RequestContext, account: Account, task: Task | None) -> bool:
        context.task = task
        enter(self._service, context, account)
        # Such a query changes the account: the query is counted, or the recipe takes a random number.
        if account.rate is not None or recipe_request_of(self._service, context) is not NO_SOURCE:
            return False
        context.error = first_error(QUERY, context)
        return True

    def _step(self, context: RequestContext) -> Step:
        # The store calls this function with the account of the request.
        def step(account: Account, _: IsTaken) -> Change:
            enter(self._service, context, account)
            apply_recipe(self._service, context, recipe_request_of(self._service, context))
            context.error = first_error(QUERY, context)
            if context.error is None:
                draw_variant(context)
            return NO_CHANGE

        return step

    def _respond(self, context: RequestContext) -> None:
        exchange, task, error = context.exchange, context.task, context.error
        log_recipe_notes(context, error)
        if error is not None or task is None:
            set_error(exchange, error or ApiError(404), self._operation.errors)
            return
        exchange.task_id = task.id
        body = encode_task(self._service, context, task, self._operation)
        set_json(exchange, body, self._operation.success)
