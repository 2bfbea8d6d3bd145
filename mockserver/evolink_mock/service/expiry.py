"""Delete accounts that have not been used for a long time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from evolink_mock.domain.clock import sleep, wall_time
from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from evolink_mock.service.service import Service

_LOOKS = 24  # number of searches for unused accounts in the time for which accounts are kept
_LONGEST = 3600.0  # maximum seconds between two searches
_log = logging.getLogger("evolink_mock")


async def drop_unused(service: Service, keep: float) -> None:
    """Delete each account that has not been used for `keep` seconds of real time. Runs until it is cancelled."""
    while True:
        now = wall_time()
        try:
            for token in await service.store.unused(now - keep, now):
                account = await service.store.account(token)
                await service.clocks.drop(account)
                _log.info("account %s was dropped because it was not used", account.label)
        except StoreError as error:
            _log.warning("unused accounts cannot be dropped: %s", error)
        await sleep(min(keep / _LOOKS, _LONGEST))
