"""`GET /v1/credits`, by which clients check a key.

The errors of this endpoint carry integer codes (clause `credits.integer-codes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec import ErrorAnswer
from msgspec.json import encode

from evolink_mock.api.policy import CREDITS, check_token, first_error
from evolink_mock.api.recipe_response import with_network_faults
from evolink_mock.api.request_context import (
    RequestContext,
    apply_recipe,
    begin,
    context_of,
    enter,
    log_recipe_notes,
    recipe_request_of,
)
from evolink_mock.domain.accounts import remaining
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.http.responses import send_response, set_error, set_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.http.requests import RequestHead
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
        left = await self._decide(context)
        send = with_network_faults(context, scope, send)
        _respond(context, left)
        await send_response(send, context.exchange)

    async def respond_in_lane(
        self,
        exchange: Exchange,
        head: RequestHead,
        body: bytes,  # noqa: ARG002
        connection: Scope,  # noqa: ARG002
    ) -> None:
        """Do the same in the fast lane, unless the request has a recipe."""
        context = context_of(self._service, exchange, head, ERRORS, "credits")
        context.is_fast = True
        _respond(context, await self._decide(context))

    async def _decide(self, context: RequestContext) -> float:
        """Check the request, set the error of the context, and return the account's remaining credits."""
        left = 0.0
        context.error = check_token(context)
        if context.token is None:
            return left

        def step(account: Account, _: IsTaken) -> Change:
            nonlocal left
            enter(self._service, context, account)
            apply_recipe(self._service, context, recipe_request_of(self._service, context))
            context.error = first_error(CREDITS, context)
            left = remaining(account, context.now)
            return NO_CHANGE

        await self._service.store.change(context.token, step)
        return left


def _respond(context: RequestContext, left: float) -> None:
    """Add the response to the exchange: the credits or the error."""
    log_recipe_notes(context, context.error)
    if context.error is not None:
        set_error(context.exchange, context.error, ERRORS)
        return
    credits_of_key = {"remaining_credits": left, "used_credits": context.account.used}
    data = {"user": credits_of_key, "token": {**credits_of_key, "unlimited_credits": False}}
    set_json(context.exchange, encode({"success": True, "message": "", "data": data}))
