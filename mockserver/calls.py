"""What is known of a request to a documented operation, gathered before anything is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.accounts import hit
from mockserver.exchanges import KEY, Exchange
from mockserver.recipes import NOTHING, Recipe
from mockserver.requests import token_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from mockserver.accounts import Account
    from mockserver.faults import Fault
    from mockserver.plans import Task
    from mockserver.scripts import Script
    from mockserver.service import Service
    from spec import ErrorAnswer


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


async def open_call(service: Service, scope: Scope, documented: Mapping[int, ErrorAnswer]) -> Call:
    """Gather what needs no body: headers, account, time, recipe, and one request more for the rate."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    exchange: Exchange = scope[KEY]
    token = token_of(headers.get(b"authorization", b""))
    if token is not None and service.tokens and token.partition("~")[0] not in service.tokens:
        token = None
    account = service.nobody if token is None else await service.store.account(token)
    if token is not None:
        exchange.owner, exchange.account = account, account.label
    prefer = headers.get(b"prefer")
    recipe: Recipe | Fault = NOTHING
    if prefer is not None or (token is not None and "~" in token):
        recipe = service.cookbook.of_request(prefer or b"", token or "")
    now = exchange.at = (account.clock or service.clock).now()
    wait = None if account.rate is None else hit(account, now)
    return Call(exchange, headers, now, account, token, documented, recipe, wait)
