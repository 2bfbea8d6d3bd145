"""The control API's accounts: opened, changed, forgotten; what is ordered for them, and what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from evolink_spec.options.suggestions import did_you_mean
from msgspec import UNSET, Meta, Struct, UnsetType

from evolink_mock.control import journal as archive
from evolink_mock.control.handler import DONE, ControlResponse, json_response
from evolink_mock.control.tasks import calls_made
from evolink_mock.domain.accounts import Account, remaining, set_credits, set_rate
from evolink_mock.domain.units import Rate
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import assignments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_mock.control.handler import ControlRequest
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


class Terms(Struct, frozen=True):
    """Terms of an account; what is unset is the server's, or stays as it is."""

    credits: Annotated[float, Meta(ge=0, le=10**12)] | UnsetType = UNSET
    rate: Annotated[str, Meta(pattern="^[1-9][0-9]{0,8}/(second|minute|hour|day)$")] | UnsetType | None = (
        UNSET
    )
    denied_models: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)] | UnsetType = (
        UNSET
    )


class Order(Struct, frozen=True):
    """A recipe for the next requests of an account."""

    recipe: Annotated[str, Meta(min_length=1, max_length=500)]
    times: Annotated[int, Meta(ge=1, le=1_000_000)] | None = 1
    operation: str = "any"


async def reset(ask: ControlRequest) -> ControlResponse:
    """Forget every account."""
    known = await ask.service.store.accounts()
    for account in known:
        await ask.service.clocks.drop(account)
    ask.service.anonymous.journal.clear()
    return json_response({"accounts": len(known)})


async def listed(ask: ControlRequest) -> ControlResponse:
    """Every account that is open."""
    known = await ask.service.store.accounts()
    return json_response({"accounts": [_shown(ask.service, account) for account in known]})


async def opened(ask: ControlRequest) -> ControlResponse | ApiError:
    """Open the account afresh."""
    fault = _unserved(ask)
    if fault is not None:
        return fault
    await ask.service.clocks.drop(ask.account)
    account = await ask.service.store.account(ask.account.token)
    _change(account, ask.body, ask.service.clocks.now(account))
    return json_response(_shown(ask.service, account), 201)


async def shown(ask: ControlRequest) -> ControlResponse:
    """One account."""
    return json_response(_shown(ask.service, ask.account))


async def changed(ask: ControlRequest) -> ControlResponse | ApiError:
    """Change terms."""
    fault = _unserved(ask)
    if fault is not None:
        return fault
    _change(ask.account, ask.body, ask.service.clocks.now(ask.account))
    return json_response(_shown(ask.service, ask.account))


async def dropped(ask: ControlRequest) -> ControlResponse:
    """Forget one account."""
    await ask.service.clocks.drop(ask.account)
    return DONE


async def standing(ask: ControlRequest) -> ControlResponse:
    """What is ordered."""
    return json_response({"recipes": assignments.list_assigned(ask.account)})


async def placed(ask: ControlRequest) -> ControlResponse | ApiError:
    """Order a recipe."""
    order: Order = ask.body
    fault = assignments.assign(
        ask.account, ask.service.registry, order.recipe, times=order.times, operation=order.operation
    )
    return fault or json_response({"recipes": assignments.list_assigned(ask.account)}, 201)


async def cleared(ask: ControlRequest) -> ControlResponse:
    """Take all orders back."""
    assignments.clear(ask.account)
    return DONE


async def journal(ask: ControlRequest) -> ControlResponse:
    """What the account did."""
    secrets = archive.secrets_of(ask.account.token)
    return json_response({"entries": [archive.entry(one, secrets) for one in ask.account.journal]})


async def journal_cleared(ask: ControlRequest) -> ControlResponse:
    """Forget what it did."""
    ask.account.journal.clear()
    return DONE


async def journal_har(ask: ControlRequest) -> ControlResponse:
    """What the account did and what it was called back with, for tools that read archives."""
    calls = await calls_made(ask)
    return _archived(ask.account.journal, calls, archive.secrets_of(ask.account.token))


async def strays_har(ask: ControlRequest) -> ControlResponse:
    """What belongs to no account: a request without a key, or to a path that there is not."""
    known = await ask.service.store.accounts()
    secrets = tuple(text for account in known for text in archive.secrets_of(account.token))
    return _archived(ask.service.anonymous.journal, (), secrets)


def _archived(
    exchanges: Iterable[Exchange], calls: Iterable[archive.Made], secrets: Sequence[str]
) -> ControlResponse:
    from importlib.metadata import version

    return json_response(archive.har(exchanges, calls, version("evolink-mock"), secrets))


def _change(account: Account, terms: Terms, now: float) -> None:
    if terms.credits is not UNSET:
        set_credits(account, terms.credits, now)
    if terms.rate is None:
        account.rate = None
    elif terms.rate is not UNSET:
        set_rate(account, _rate(terms.rate))
    if terms.denied_models is not UNSET:
        account.denied_models = frozenset(terms.denied_models)


def _rate(text: str) -> Rate:
    set_rate, _, window = text.partition("/")
    return Rate(int(set_rate), _WINDOWS[window])


def _rate_shown(rate: Rate) -> str:
    window = next((name for name, seconds in _WINDOWS.items() if seconds == rate.seconds), None)
    return f"{rate.limit}/{window or f'{rate.seconds:g}s'}"


def _unserved(ask: ControlRequest) -> ApiError | None:
    """The 400 for a model that nothing serves, so that nothing would be denied."""
    terms: Terms = ask.body
    served = [name for by_model in ask.service.spec.creates.values() for name in by_model if name]
    for model in () if terms.denied_models is UNSET else terms.denied_models:
        if model not in served:
            shown = model[:60]
            hint = did_you_mean(shown, served)
            return ApiError(400, f"denied_models: {shown!r} is not served{hint}", "denied_models")
    return None


def _shown(service: Service, account: Account) -> dict[str, Any]:
    now = service.clocks.now(account)
    return {
        "label": account.label,
        "granted": account.granted,
        "remaining": remaining(account, now),
        "used": account.used,
        "rate": None if account.rate is None else _rate_shown(account.rate),
        "denied_models": sorted(account.denied_models),
        "tasks": account.task_count,
        "now": now,
        "frozen": service.clocks.is_frozen(account),
    }
