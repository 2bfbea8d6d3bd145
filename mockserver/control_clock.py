"""The control API's clock: an account's own time, told and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from mockserver import timeline
from mockserver.control_calls import told
from mockserver.faults import Fault

if TYPE_CHECKING:
    from mockserver.control_calls import Ask, Reply

_CENTURY = 3_153_600_000  # seconds


class Advance(Struct, frozen=True):
    """By how much."""

    seconds: Annotated[float, Meta(ge=0, le=_CENTURY)]


class Instant(Struct, frozen=True):
    """Until when."""

    now: Annotated[float, Meta(ge=0, le=timeline.LAST)]


async def shown(ask: Ask) -> Reply:
    """What time it is."""
    return told(await _clock(ask))


async def frozen(ask: Ask) -> Reply:
    """Stop time."""
    await timeline.freeze(ask.service, ask.account)
    return told(await _clock(ask))


async def resumed(ask: Ask) -> Reply:
    """Let time run again."""
    await timeline.resume(ask.service, ask.account)
    return told(await _clock(ask))


async def advanced(ask: Ask) -> Reply | Fault:
    """Move time by some seconds."""
    try:
        happened = await timeline.advance(ask.service, ask.account, ask.body.seconds)
    except ValueError as error:
        return Fault(400, str(error), "seconds")
    return told({**await _clock(ask), "happened": [_event(one) for one in happened]})


async def moved(ask: Ask) -> Reply | Fault:
    """Move time to an instant."""
    try:
        happened = await timeline.set_time(ask.service, ask.account, ask.body.now)
    except ValueError as error:
        return Fault(400, str(error), "now")
    return told({**await _clock(ask), "happened": [_event(one) for one in happened]})


async def _clock(ask: Ask) -> dict[str, Any]:
    account = ask.account
    return {
        "now": timeline.now(ask.service, account),
        "frozen": timeline.is_frozen(account),
        "next_due": await timeline.next_due(ask.service, account),
    }


def _event(event: timeline.Event) -> dict[str, Any]:
    found = asdict(event)
    if event.what != "callback.attempt":
        del found["status"], found["problem"]
    return found
