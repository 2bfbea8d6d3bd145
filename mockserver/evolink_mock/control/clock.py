"""The clock in the control API: show, freeze and move an account's time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from evolink_mock.control.handler import json_response, seconds_of
from evolink_mock.http.errors import ApiError
from evolink_mock.service.account_clock import LAST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_mock.control.handler import ControlRequest, ControlResponse
    from evolink_mock.service.account_clock import Event

_CENTURY = 3_153_600_000  # seconds


class Advance(Struct, frozen=True):
    """The body of POST /clock/advance. `seconds` is a number, or a duration such as `25h`."""

    seconds: float | str


class SetTime(Struct, frozen=True):
    """The body of POST /clock/set. `now` is in Unix seconds."""

    now: Annotated[float, Meta(ge=0, le=LAST)]


async def show_clock(request: ControlRequest) -> ControlResponse:
    """Return the time of the account."""
    return json_response(await _clock(request))


async def freeze_clock(request: ControlRequest) -> ControlResponse:
    """Stop the clock of the account."""
    await request.service.clocks.freeze(request.account)
    return json_response(await _clock(request))


async def resume_clock(request: ControlRequest) -> ControlResponse:
    """Let the clock of the account run again."""
    await request.service.clocks.resume(request.account)
    return json_response(await _clock(request))


async def advance_clock(request: ControlRequest) -> ControlResponse | ApiError:
    """Move the account's time forward by the duration in the body."""
    seconds = seconds_of(request.body.seconds, "seconds", _CENTURY)
    if isinstance(seconds, ApiError):
        return seconds
    try:
        events = await request.service.clocks.advance(request.account, seconds)
    except ValueError as error:
        return ApiError(400, str(error), "seconds")
    return await _moved(request, events)


async def set_clock(request: ControlRequest) -> ControlResponse | ApiError:
    """Move the account's time forward to the time in the body."""
    try:
        events = await request.service.clocks.set_time(request.account, request.body.now)
    except ValueError as error:
        return ApiError(400, str(error), "now")
    return await _moved(request, events)


async def _moved(request: ControlRequest, events: Iterable[Event]) -> ControlResponse:
    happened = [_event(event) for event in events]
    # Every move freezes the clock. The account is not asked, because the move may have deleted it.
    return json_response({**await _clock(request), "frozen": True, "happened": happened})


async def _clock(request: ControlRequest) -> dict[str, Any]:
    service, token = request.service, request.account.token
    account, due = await service.store.account(token), await service.store.next_due(token)
    return {
        "now": service.clocks.now(account),
        "frozen": account.frozen_at is not None,
        "next_due": due if due is not None and math.isfinite(due) else None,
    }


def _event(event: Event) -> dict[str, Any]:
    document = asdict(event)
    if event.what != "callback.attempt":
        del document["status"], document["problem"]
    return document
