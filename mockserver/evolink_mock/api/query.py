"""`GET` that returns the state of a task: clauses `query.*` and `task.*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.api.policy import AUTHENTICATION, QUERY, first_error
from evolink_mock.api.recipe_response import encode_task, with_network_faults
from evolink_mock.api.request_context import apply_recipe, begin, log_recipe_notes
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error, send_json

if TYPE_CHECKING:
    from evolink_spec import QueryOperation
    from starlette.types import Receive, Scope, Send

    from evolink_mock.service.service import Service


class QueryEndpoint:
    """The query operation, as an ASGI endpoint."""

    def __init__(self, service: Service, operation: QueryOperation) -> None:
        self._service = service
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond to one poll."""
        operation = self._operation
        context = await begin(self._service, scope, operation.errors, "query")
        context.task_id = scope["path_params"][operation.parameter]
        task = context.task = await self._service.store.task(context.task_id)
        error = first_error(AUTHENTICATION, context)
        if error is None:
            apply_recipe(self._service, context)
            send = with_network_faults(context, send)
            error = first_error(QUERY, context)
            log_recipe_notes(context, error)
        if error is not None or task is None:
            await send_error(send, context.exchange, error or ApiError(404), operation.errors)
            return
        context.exchange.task_id = task.id
        body = encode_task(self._service, context, task, operation)
        await send_json(send, context.exchange, body, operation.success)
