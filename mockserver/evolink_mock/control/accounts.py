"""The accounts and their assigned recipes in the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from evolink_spec.options.suggestions import did_you_mean
from msgspec import UNSET, Meta, Struct, UnsetType

from evolink_mock.control.handler import NO_CONTENT, ControlResponse, json_response
from evolink_mock.control.paging import page
from evolink_mock.domain.accounts import Account, remaining, set_credits, set_rate
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.domain.units import Rate, format_rate, parse_rate
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import assignments

if TYPE_CHECKING:
    from evolink_mock.control.handler import ControlRequest
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.service.service import Service


class Terms(Struct, frozen=True):
    """The credits, the rate limit and the denied models of an account.

    `Terms` is the body of POST /accounts and PATCH /account. For an omitted field, POST uses the server's setting.
    PATCH leaves an omitted field unchanged.
    """

    credits: Annotated[float, Meta(ge=0, le=10**12)] | UnsetType = UNSET
    rate: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    denied_models: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)] | UnsetType = (
        UNSET
    )


class AssignRecipeBody(Struct, frozen=True):
    """The body of POST /recipes, which assigns a recipe to an account.

    `times` is the number of requests to which the recipe applies. If `times` is null, the recipe applies until it is
    replaced.
    """

    recipe: Annotated[str, Meta(min_length=1, max_length=500)]
    times: Annotated[int, Meta(ge=1, le=1_000_000)] | None = 1
    operation: str = "any"


async def reset_server(request: ControlRequest) -> ControlResponse:
    """Delete all accounts, the common journal, and the rows of the live view.

    The common journal contains the requests that belong to no account.
    """
    accounts = await request.service.store.accounts()
    for account in accounts:
        await request.service.clocks.drop(account)
    await request.service.store.clear_journal("")
    request.service.exchange_feed.clear()
    return json_response({"accounts": len(accounts)})


async def list_accounts(request: ControlRequest) -> ControlResponse | ApiError:
    """Return one page of the list of accounts."""
    accounts = page(await request.service.store.accounts(), lambda account: account.label, request.query)
    if isinstance(accounts, ApiError):
        return accounts
    items, after = accounts
    return json_response(
        {"accounts": [account_state(request.service, item) for item in items], "next": after}
    )


async def open_account(request: ControlRequest) -> ControlResponse | ApiError:
    """Create the account of the request's token. If the account exists already, it is deleted first."""
    rate = _check_rate_and_models(request)
    if isinstance(rate, ApiError):
        return rate
    await request.service.clocks.drop(request.account)
    return json_response(await _change(request, rate), 201)


async def show_account(request: ControlRequest) -> ControlResponse:
    """Return the state of the account."""
    return json_response(account_state(request.service, request.account))


async def change_account(request: ControlRequest) -> ControlResponse | ApiError:
    """Change the account's credits, rate limit and denied models.

    Omitted values stay unchanged. Returns the new state of the account.
    """
    rate = _check_rate_and_models(request)
    if isinstance(rate, ApiError):
        return rate
    return json_response(await _change(request, rate))


async def drop_account(request: ControlRequest) -> ControlResponse:
    """Delete the account with its tasks, callbacks and recipes."""
    await request.service.clocks.drop(request.account)
    return NO_CONTENT


async def list_recipes(request: ControlRequest) -> ControlResponse:
    """Return the recipes assigned to the account."""
    return json_response({"recipes": assignments.list_assigned(request.account)})


async def assign_recipe(request: ControlRequest) -> ControlResponse | ApiError:
    """Assign a recipe to the account. Return all its assigned recipes."""
    if "assigned" not in request.service.recipe_sources:
        return ApiError(409, "this mock does not use assigned recipes: see --recipes")
    assignment: AssignRecipeBody = request.body
    error, assigned = None, []

    def step(account: Account, _: IsTaken) -> Change:
        nonlocal error, assigned
        error = assignments.assign(
            account,
            request.service.registry,
            assignment.recipe,
            times=assignment.times,
            operation=assignment.operation,
        )
        assigned = assignments.list_assigned(account)
        return NO_CHANGE

    await request.service.store.change(request.account.token, step)
    return error or json_response({"recipes": assigned}, 201)


async def clear_recipes(request: ControlRequest) -> ControlResponse:
    """Remove all recipes assigned to the account."""

    def step(account: Account, _: IsTaken) -> Change:
        assignments.clear(account)
        return NO_CHANGE

    await request.service.store.change(request.account.token, step)
    return NO_CONTENT


def _check_rate_and_models(request: ControlRequest) -> Rate | ApiError | None:
    terms: Terms = request.body
    served = [name for by_model in request.service.spec.creates.values() for name in by_model if name]
    for model in () if terms.denied_models is UNSET else terms.denied_models:
        if model not in served:
            shown = model[:60]
            hint = did_you_mean(shown, served)
            return ApiError(400, f"denied_models: {shown!r} is not served{hint}", "denied_models")
    try:
        return parse_rate(terms.rate) if isinstance(terms.rate, str) else None
    except ValueError as error:
        return ApiError(400, f"rate: {error}", "rate")


async def _change(request: ControlRequest, rate: Rate | None) -> dict[str, Any]:
    service, state = request.service, {}

    def step(account: Account, _: IsTaken) -> Change:
        nonlocal state
        _set_terms(service, account, request.body, rate)
        state = account_state(service, account)
        return NO_CHANGE

    await service.store.change(request.account.token, step)
    return state


def _set_terms(service: Service, account: Account, terms: Terms, rate: Rate | None) -> None:
    if terms.credits is not UNSET:
        set_credits(account, terms.credits, service.clocks.now(account))
    if rate is not None:
        set_rate(account, rate)
    elif terms.rate is None:
        account.rate = None
    if terms.denied_models is not UNSET:
        account.denied_models = frozenset(terms.denied_models)


def account_state(service: Service, account: Account) -> dict[str, Any]:
    """Return the current state of an account as JSON data."""
    now = service.clocks.now(account)
    return {
        "label": account.label,
        "granted": account.granted,
        "remaining": remaining(account, now),
        "used": account.used,
        "rate": None if account.rate is None else format_rate(account.rate),
        "denied_models": sorted(account.denied_models),
        "tasks": account.task_count,
        "now": now,
        "frozen": account.frozen_at is not None,
    }
