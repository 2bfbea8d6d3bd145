"""`GET /v1/credits`, by which clients check a key.

The errors of this endpoint carry integer codes (clause `credits.integer-codes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec import ErrorAnswer
from msgspec.json import encode

from evolink_mock.api.policy import AUTHENTICATION, CREDITS, first_error
from evolink_mock.api.recipe_response import with_network_faults
from evolink_mock.api.request_context import (
    RequestContext,
    apply_recipe,
    begin,
    enter,
    log_recipe_notes,
    recipe_request_of,
)
from evolink_mock.domain.accounts import remaining
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.http.errors import ApiError
from evolink_mock.http.responses import send_error, send_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.service.service import Service


def _errors() -> dict[int, ErrorAnswer]:
    """Return the documented errors by status.

    Their bodies have the usual shape, but `code` is the status as an integer.
    """
    messages = {
        400: ("Invalid request", "invalid_request_error"),
        401: (_UNAUTHORIZED, "authentication_error"),
        403: ("Access denied", "permission_error"),
        429: ("Rate limit exceeded", "rate_limit_error"),
        500: ("Internal server error", "api_error"),
    }
    bodies = {
        status: {"error": {"code": status, "message": message, "type": kind}}
        for status, (message, kind) in messages.items()
    }
    return {status: ErrorAnswer(status, "", body) for status, body in bodies.items()}


_UNAUTHORIZED = "Invalid or expired token"
ERRORS = _errors()


class CreditsEndpoint:
    """The ASGI endpoint of `GET /v1/credits`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond with the account's remaining and used credits."""
        context = begin(self._service, scope, ERRORS, "credits")
        unauthorized = first_error(AUTHENTICATION, context)
        if unauthorized is not None or context.token is None:
            await send_error(send, context.exchange, unauthorized or ApiError(401), ERRORS)
            return
        left = await self._decide(context, context.token)
        send = with_network_faults(context, scope, send)
        log_recipe_notes(context, context.error)
        if context.error is not None:
            await send_error(send, context.exchange, context.error, ERRORS)
            return
        credits_of_key = {"remaining_credits": left, "used_credits": context.account.used}
        data = {"user": credits_of_key, "token": {**credits_of_key, "unlimited_credits": False}}
        await send_json(send, context.exchange, encode({"success": True, "message": "", "data": data}))

    async def _decide(self, context: RequestContext, token: str) -> float:
        """Check the request, set the error of the context, and return the account's remaining credits."""
        left = 0.0

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal left
            enter(self._service, context, account)
            apply_recipe(self._service, context, recipe_request_of(self._service, context))
            context.error = first_error(CREDITS, context)
            left = remaining(account, context.now)
            return NO_CHANGE

        await self._service.store.change(token, step)
        return left
