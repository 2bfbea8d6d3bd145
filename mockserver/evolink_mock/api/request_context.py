"""The context of one request, with everything that the checks need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.api.interpretation import NO_BODY, Interpretation
from evolink_mock.domain.accounts import (
    count_request,
    instant_of,
    is_accepted,
    next_random,
    set_credits,
    set_rate,
)
from evolink_mock.domain.exchange import SCOPE_KEY, Exchange
from evolink_mock.domain.ids import fraction
from evolink_mock.http.connection import MayWaitError
from evolink_mock.http.requests import read_head
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe
from evolink_mock.recipes.sources import NO_SOURCE, RecipeRequest, resolve_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evolink_spec import ErrorAnswer
    from starlette.types import Scope

    from evolink_mock.api.operations import CompiledOperation
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.parsed_url import ParsedUrl
    from evolink_mock.domain.tasks import Task
    from evolink_mock.http.errors import ApiError
    from evolink_mock.http.requests import RequestHead
    from evolink_mock.service.service import Service


class RequestContext(Struct, gc=False):  # without garbage collection, so no cycle may include a context
    """One request, with its parsed parts and its account.

    Most fields are set while the request is served. If another process has changed the account, the store may run all
    checks again. A check must therefore replace values and never append to them. No field may contain an object that
    refers back to the context.
    """

    exchange: Exchange
    headers: Mapping[bytes, bytes]
    now: float
    account: Account
    token: str | None
    documented: Mapping[int, ErrorAnswer]  # the documented errors of the operation
    operation: str = "create"  # such as create, query or files; empty for undocumented requests
    recipe: Recipe | ApiError = NO_RECIPE
    recipe_notes: tuple[str, ...] = ()
    retry_after: float | None = None  # seconds; set if the rate limit is exceeded
    body: Interpretation = NO_BODY  # the body of a create request
    callback: ParsedUrl | ApiError | None = None  # the callback URL, or the error if it is not allowed
    task_id: str = ""  # the id in the path of a status query
    task: Task | None = None  # the queried task or the created task
    delivery: Delivery | None = None  # the delivery of the created task's callback
    error: ApiError | None = None  # the reason if the request is rejected
    chance: float = 0.0  # random number that decides about network faults, 0 ≤ chance < 1
    variant: int = 0  # random number from which a deviation in the JSON of the task is generated
    is_fast: bool = False  # whether `MayWaitError` is raised if the response may take time

    @property
    def document(self) -> Any:
        """The JSON value of a create request's body.

        The value is an error if the body is not JSON.
        """
        return self.body.document

    @property
    def compiled(self) -> CompiledOperation | ApiError | None:
        """The operation that serves the model of a create request.

        The value is an error if no operation serves the model.
        """
        return self.body.compiled


def begin(
    service: Service, scope: Scope, documented: Mapping[int, ErrorAnswer], operation: str
) -> RequestContext:
    """Create the context of a request from its ASGI scope."""
    return context_of(service, scope[SCOPE_KEY], read_head(scope["headers"]), documented, operation)


def context_of(
    service: Service,
    exchange: Exchange,
    head: RequestHead,
    documented: Mapping[int, ErrorAnswer],
    operation: str,
) -> RequestContext:
    """Create the context of a request, and choose the journal of the request.

    The journal is the log of one account. A token that the server does not accept is treated like a missing token.
    """
    token = head.token
    if token is not None and service.tokens and not is_accepted(token, service.tokens):
        token = None
    if token is not None:
        exchange.journal = recorder = service.store.recorder(token)
        exchange.account = recorder.label
    now = 0.0  # `enter` sets it
    if token is None:
        now = exchange.at = service.clock.now()
    return RequestContext(exchange, head.headers, now, service.anonymous, token, documented, operation)


def enter(service: Service, context: RequestContext, account: Account) -> None:
    """Set `account` in the context, and `now` to the account's time."""
    context.account = account
    context.now = context.exchange.at = instant_of(account, service.clock.now())


def apply_recipe(service: Service, context: RequestContext, recipe_request: RecipeRequest) -> None:
    """Set the recipe of the context, and count the request for the rate limit.

    The recipe may first set the credits or the rate limit of the account.
    """
    account = context.account
    recipe, context.recipe_notes = resolve_recipe(
        service.registry, account, recipe_request, service.recipe_sources
    )
    context.recipe = recipe
    if recipe is not NO_RECIPE:
        if isinstance(recipe, Recipe):
            if recipe.credits is not None:
                set_credits(account, recipe.credits, context.now)
            if recipe.rate is not None:
                set_rate(account, recipe.rate)
        context.chance = fraction(next_random(account))
    context.retry_after = None if account.rate is None else count_request(account, context.now)


def recipe_request_of(service: Service, context: RequestContext) -> RecipeRequest:
    """Return the parts of a request that may name a recipe.

    Examples are the `Prefer` header and the prompt. Returns `NO_SOURCE` if no recipe can apply to the request. Raises
    `MayWaitError` if a recipe may apply and `context.is_fast` is true.
    """
    prefer = prefer_of(context.exchange.request_headers) if b"prefer" in context.headers else None
    prompt = context.body.marked_prompt
    token = context.token if context.token and "~" in context.token else service.default_recipe
    if prefer is None and not token and prompt is None and context.account.assigned is None:
        return NO_SOURCE
    if context.is_fast:
        raise MayWaitError  # a recipe may delay the response
    return RecipeRequest(context.operation, context.documented, prefer, prompt, token)


def log_recipe_notes(context: RequestContext, error: ApiError | None) -> None:
    """Add the notes about the recipe to the access log.

    A response with status 400 gets no notes.
    """
    # Every 400 with a note is counted as a violation of the contract by the client.
    if context.recipe_notes and (error is None or error.status != 400):  # noqa: PLR2004
        context.exchange.notes += context.recipe_notes


def prefer_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the values of all `Prefer` headers, joined by commas.

    Returns None if the request has no such header. RFC 9110, section 5.3 defines the joining.
    """
    lines = [value for name, value in headers if name == b"prefer"]
    return b", ".join(lines) if lines else None
