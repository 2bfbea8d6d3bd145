"""A lock on the clock of each account. At most one caller in all processes has the lock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from evolink_mock.domain.clock import sleep, stopwatch
from evolink_mock.domain.store import NO_CHANGE, Change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken, SharedStore

_AGAIN_SECONDS = 0.02  # between two attempts to take the lock


class ClockBusyError(Exception):
    """Another caller is moving the account's clock.

    A callback handler gets this error if the handler moves the clock during `advance`. `advance` waits for the response
    of the handler, so the two would wait for each other.
    """

    def __init__(self) -> None:
        super().__init__(
            "another request is moving the account's clock, and may be waiting for the response to a callback; "
            "a callback handler cannot move the clock before it has responded"
        )


@asynccontextmanager
async def moving_in(store: SharedStore, token: str, seconds: float) -> AsyncIterator[None]:
    """Return a context manager that locks an account's clock in a shared store.

    The end of the block removes the lock. Raises `ClockBusyError` if another process holds the lock for more than
    `seconds`.
    """
    deadline = stopwatch() + seconds
    while not await _try_lock(store, token):
        if stopwatch() > deadline:
            raise ClockBusyError
        await sleep(_AGAIN_SECONDS)
    try:
        yield
    finally:
        await store.change(token, lambda account, _: _unlock(account, store.worker))


async def _try_lock(store: SharedStore, token: str) -> bool:
    holder = (await store.account(token)).mover
    if holder and await store.leases.is_alive(holder):  # an ended process holds no lock
        return False
    is_taken = False

    def step(account: Account, _: IsTaken) -> Change:
        nonlocal is_taken
        is_taken = account.mover in {"", holder}
        if is_taken:
            account.mover = store.worker
        return NO_CHANGE

    await store.change(token, step)
    return is_taken


def _unlock(account: Account, worker: str) -> Change:
    if account.mover == worker:  # otherwise the account was dropped
        account.mover = ""
    return NO_CHANGE
