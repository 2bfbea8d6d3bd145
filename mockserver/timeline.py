"""An account's own time: frozen, set, advanced. `advance` returns when everything that fell due has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.clock import VirtualClock

if TYPE_CHECKING:
    from mockserver.accounts import Account
    from mockserver.service import Service


def now(service: Service, account: Account) -> float:
    """The instant it is for an account."""
    return (account.clock or service.clock).now()


async def freeze(service: Service, account: Account) -> VirtualClock:
    """Stop the account's time where it is, and take its callbacks off the server's agenda. Its clock, from now on."""
    if isinstance(account.clock, VirtualClock):
        return account.clock
    account.clock = VirtualClock(now(service, account))
    await service.webhooks.part(account)
    return account.clock


async def advance(service: Service, account: Account, seconds: float) -> None:
    """Move the account's time forward, and do what falls due on the way, each at its own instant, in order.

    Callbacks with their real HTTP exchange, retries included. What is a function of time (states, links,
    rate windows, credits that come back) needs nothing done. ValueError for a negative number.
    """
    clock = await freeze(service, account)
    target = clock.now() + seconds
    agenda = service.webhooks.agenda(account)
    while seconds > 0 and (due := agenda.next_due()) is not None and due <= target:
        clock.advance(max(0.0, due - clock.now()))
        await agenda.run_due(due)
    clock.advance(target - clock.now() if seconds >= 0 else seconds)


async def set_time(service: Service, account: Account, instant: float) -> None:
    """Move the account's time forward to an instant (Unix seconds). ValueError for one that is past."""
    clock = await freeze(service, account)
    await advance(service, account, instant - clock.now())


async def resume(service: Service, account: Account) -> None:
    """Give the account the server's time back; what it owes goes back to the server's agenda."""
    if account.clock is not None:
        account.clock = None
        await service.webhooks.rejoin(account)


async def drop(service: Service, account: Account) -> None:
    """Forget an account with all that is its own; callbacks under way are not waited for."""
    service.webhooks.forget(account, {task.id for task in await service.store.tasks(account.token)})
    await service.store.drop(account.token)
