"""What is known of a request to a documented operation, gathered before anything is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.domain.accounts import count_request, set_credits, set_rate
from evolink_mock.domain.exchange import KEY, Exchange
from evolink_mock.http.errors import ApiError
from evolink_mock.http.requests import token_of
from evolink_mock.recipes import assignments
from evolink_mock.recipes.registry import NO_RECIPE, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Scope

    from evolink_mock.api.operations import CompiledOperation
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Task
    from evolink_mock.recipes.registry import RecipeSequence
    from evolink_mock.service.service import Service


CREATE = "create"


class RequestContext(Struct):
    """The facts of one request. Those of the body, or of the task asked for, are added when they are known.

    `document` is the body decoded, or the fault that prevented it; `wait` is given when the rate limit
    is exceeded, in seconds.
    """

    exchange: Exchange
    headers: Mapping[bytes, bytes]
    now: float
    account: Account
    token: str | None
    documented: Mapping[int, ErrorAnswer]  # the errors of this operation
    recipe: Recipe | ApiError
    wait: float | None
    document: Any = None
    script: CompiledOperation | ApiError | None = None  # of a create
    callback_refusal: ApiError | None = None
    task_id: str = ""  # of a query
    task: Task | None = None
    operation: str = CREATE  # as an order names it


async def begin(
    service: Service, scope: Scope, documented: Mapping[int, ErrorAnswer], operation: str
) -> RequestContext:
    """Gather what needs no body: headers, account, time, recipe, and one request more for the rate.

    The prompt of a create goes before what the account was given, so its recipe is known then only if it
    stands in a header; `take_up` finds the others.
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    exchange: Exchange = scope[KEY]
    token = token_of(headers.get(b"authorization", b""))
    if token is not None and service.tokens and token.partition("~")[0] not in service.tokens:
        token = None
    account = service.anonymous if token is None else await service.store.account(token)
    if token is not None:
        exchange.owner, exchange.account = account, account.label
    now = exchange.at = (account.clock or service.clock).now()
    call = RequestContext(
        exchange, headers, now, account, token, documented, NO_RECIPE, None, operation=operation
    )
    if (prefer := headers.get(b"prefer")) is not None and token is not None:
        _follow(call, service.registry.of_header(prefer), late=False)
    if operation != CREATE and call.recipe is NO_RECIPE:
        resolve_recipe(service, call, None)
    if account.rate is not None:
        call.wait = count_request(account, now)
    return call


def resolve_recipe(service: Service, call: RequestContext, document: Any) -> None:
    """Find the recipe that no header names: in the prompt, else ordered, else in the token."""
    account, token = call.account, call.token or ""
    late = call.operation == CREATE
    if isinstance(document, dict):
        _follow(call, service.registry.of_body(document), late=late)
    if call.recipe is NO_RECIPE and account.orders is not None:
        call.recipe = assignments.next_for(account, call.operation, call.documented) or NO_RECIPE
        _settle(call, late=late)
    if call.recipe is NO_RECIPE and "~" in token:
        _follow(call, service.registry.of_token(token), late=late)


def _follow(call: RequestContext, found: RecipeSequence | ApiError | None, *, late: bool) -> None:
    if isinstance(found, ApiError):
        call.recipe = found
    elif found is not None:
        call.recipe = assignments.step_of(call.account, call.operation, found)
        _settle(call, late=late)


def _settle(call: RequestContext, *, late: bool) -> None:
    """Set what a recipe says of the account; `late` when the request was counted before that."""
    recipe = call.recipe
    if recipe is NO_RECIPE or isinstance(recipe, ApiError):
        return
    if recipe.credits is not None:
        set_credits(call.account, recipe.credits, call.now)
    if recipe.rate is not None:
        set_rate(call.account, recipe.rate)
        if late:
            count_request(call.account, call.now)  # this request is the first of the window
