"""What is known of a request to a documented operation, gathered before anything is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.domain.accounts import grant, hit, limit
from evolink_mock.domain.exchange import KEY, Exchange
from evolink_mock.http.errors import Fault
from evolink_mock.http.requests import token_of
from evolink_mock.recipes import assignments
from evolink_mock.recipes.registry import NOTHING, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Scope

    from evolink_mock.api.operations import Script
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Task
    from evolink_mock.recipes.registry import Series
    from evolink_mock.service.service import Service


CREATE = "create"


class Call(Struct):
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
    recipe: Recipe | Fault
    wait: float | None
    document: Any = None
    script: Script | Fault | None = None  # of a create
    callback_refusal: Fault | None = None
    task_id: str = ""  # of a query
    task: Task | None = None
    operation: str = CREATE  # as an order names it


async def open_call(
    service: Service, scope: Scope, documented: Mapping[int, ErrorAnswer], operation: str
) -> Call:
    """Gather what needs no body: headers, account, time, recipe, and one request more for the rate.

    The prompt of a create goes before what the account was given, so its recipe is known then only if it
    stands in a header; `take_up` finds the others.
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    exchange: Exchange = scope[KEY]
    token = token_of(headers.get(b"authorization", b""))
    if token is not None and service.tokens and token.partition("~")[0] not in service.tokens:
        token = None
    account = service.nobody if token is None else await service.store.account(token)
    if token is not None:
        exchange.owner, exchange.account = account, account.label
    now = exchange.at = (account.clock or service.clock).now()
    call = Call(exchange, headers, now, account, token, documented, NOTHING, None, operation=operation)
    if (prefer := headers.get(b"prefer")) is not None and token is not None:
        _follow(call, service.cookbook.of_header(prefer), late=False)
    if operation != CREATE and call.recipe is NOTHING:
        take_up(service, call, None)
    if account.rate is not None:
        call.wait = hit(account, now)
    return call


def take_up(service: Service, call: Call, document: Any) -> None:
    """Find the recipe that no header names: in the prompt, else ordered, else in the token."""
    account, token = call.account, call.token or ""
    late = call.operation == CREATE
    if isinstance(document, dict):
        _follow(call, service.cookbook.of_body(document), late=late)
    if call.recipe is NOTHING and account.orders is not None:
        call.recipe = assignments.take(account, call.operation, call.documented) or NOTHING
        _settle(call, late=late)
    if call.recipe is NOTHING and "~" in token:
        _follow(call, service.cookbook.of_token(token), late=late)


def _follow(call: Call, found: Series | Fault | None, *, late: bool) -> None:
    if isinstance(found, Fault):
        call.recipe = found
    elif found is not None:
        call.recipe = assignments.follow(call.account, call.operation, found)
        _settle(call, late=late)


def _settle(call: Call, *, late: bool) -> None:
    """Set what a recipe says of the account; `late` when the request was counted before that."""
    recipe = call.recipe
    if recipe is NOTHING or isinstance(recipe, Fault):
        return
    if recipe.credits is not None:
        grant(call.account, recipe.credits, call.now)
    if recipe.rate is not None:
        limit(call.account, recipe.rate)
        if late:
            hit(call.account, call.now)  # this request is the first of the window
