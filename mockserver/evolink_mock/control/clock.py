"""The control API's clock: an account's own time, told and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from evolink_mock.control.handler import json_response
from evolink_mock.http.errors import ApiError
from evolink_mock.service import account_clock

if TYPE_CHECKING:
    from evolink_mock.control.handler import ControlRequest, ControlResponse

_CENTURY = 3_153_600_000  # seconds


class Advance(Struct, frozen=True):
    """By how much."""

    seconds: Annotated[float, Meta(ge=0, le=_CENTURY)]


class Instant(Struct, frozen=True):
    """Until when."""

    now: Annotated[float, Meta(ge=0, le=account_clock.LAST)]


async def shown(ask: ControlRequest) -> ControlResponse:
    """What time it is."""
    return json_response(await _clock(ask))


async def frozen(ask: ControlRequest) -> ControlResponse:
    """Stop time."""
    await ask.service.clocks.freeze(ask.account)
    return json_response(await _clock(ask))


async def resumed(ask: ControlRequest) -> ControlResponse:
    """Let time run again."""
    await ask.service.clocks.resume(ask.account)
    return json_response(await _clock(ask))


async def advanced(ask: ControlRequest) -> ControlResponse | ApiError:
    """Move time by some seconds."""
    try:
        happened = await ask.service.clocks.advance(ask.account, ask.body.seconds)
    except ValueError as error:
        return ApiError(400, str(error), "seconds")
    return json_response({**await _clock(ask), "happened": [_event(one) for one in happened]})


async def moved(ask: ControlRequest) -> ControlResponse | ApiError:
    """Move time to an instant."""
    try:
        happened = await ask.service.clocks.set_time(ask.account, ask.body.now)
    except ValueError as error:
        return ApiError(400, str(error), "now")
    return json_response({**await _clock(ask), "happened": [_event(one) for one in happened]})


async def _clock(ask: ControlRequest) -> dict[str, Any]:
    account = ask.account
    return {
        "now": ask.service.clocks.now(account),
        "frozen": ask.service.clocks.is_frozen(account),
        "next_due": await ask.service.clocks.next_due(account),
    }


def _event(event: account_clock.Event) -> dict[str, Any]:
    found = asdict(event)
    if event.what != "callback.attempt":
        del found["status"], found["problem"]
    return found
