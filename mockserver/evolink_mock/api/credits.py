"""The endpoint `GET /v1/credits` returns the credits of an account.

Clients often use this endpoint to check an API key. In its error responses, `code` is an integer (clause
`credits.integer-codes`).
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
    from evolink_mock.domain.store import IsTaken, Step
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.service.service import Service

PATH = "/v1/credits"


def _documented_errors() -> dict[int, ErrorAnswer]:
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
ERRORS = _documented_errors()


class CreditsEndpoint:
    """The ASGI endpoint of `GET /v1/credits`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond with the remaining and the used credits of the account."""
        context = begin(self._service, scope, ERRORS, "credits")
        await self._decide(context)
        send = with_network_faults(context, scope, send)
        _respond(context)
        await send_response(send, context.exchange)

    def respond_at_once(self, exchange: Exchange, head: RequestHead, *_: object) -> None:
        """Respond without awaiting anything.

        Raises `MayWaitError` if a recipe may apply to the request. The error leaves the account unchanged.
        """
        context = context_of(self._service, exchange, head, ERRORS, "credits")
        context.is_fast = True
        context.error = check_token(context)
        if context.token is not None:
            self._service.store.change_now(context.token, self._step(context))
        _respond(context)

    async def respond_in_batch(self, exchange: Exchange, head: RequestHead, *_: object) -> None:
        """Respond like `respond_at_once`, but wait for the store.

        The store processes several waiting requests in one batch. Raises `MayWaitError` if a recipe may delay the
        response.
        """
        context = context_of(self._service, exchange, head, ERRORS, "credits")
        context.is_fast = True
        await self._decide(context)
        _respond(context)

    async def _decide(self, context: RequestContext) -> None:
        context.error = check_token(context)
        if context.token is not None:
            await self._service.store.change(context.token, self._step(context))

    def _step(self, context: RequestContext) -> Step:
        def step(account: Account, _: IsTaken) -> Change:
            enter(self._service, context, account)
            apply_recipe(self._service, context, recipe_request_of(self._service, context))
            context.error = first_error(CREDITS, context)
            remaining(account, context.now)  # makes the refunds that are due
            return NO_CHANGE

        return step


def _respond(context: RequestContext) -> None:
    log_recipe_notes(context, context.error)
    if context.error is not None:
        set_error(context.exchange, context.error, ERRORS)
        return
    account = context.account
    credits_of_key = {
        "remaining_credits": remaining(account, context.now),
        "used_credits": account.used,
    }
    data = {"user": credits_of_key, "token": {**credits_of_key, "unlimited_credits": False}}
    set_json(context.exchange, encode({"success": True, "message": "", "data": data}))
