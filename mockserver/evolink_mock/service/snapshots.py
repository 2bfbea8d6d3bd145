"""Save the state of a server as JSON Lines, and restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.clock import TimeSlice
from evolink_mock.stores.export import Header, export, read_accounts, read_header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from evolink_mock.domain.store import AccountState
    from evolink_mock.service.service import Service

_PART_BYTES = 64 * 1024


async def dump(service: Service) -> AsyncIterator[bytes]:
    """Yield the state of all accounts as JSON Lines, in parts.

    Other requests are served between the parts.
    """
    time_slice, part = TimeSlice(), bytearray()
    async for line in export(service.store, service.operations, Header(service.clock.now())):
        part += line
        if len(part) >= _PART_BYTES:
            yield bytes(part)
            part.clear()
        await time_slice.give_way()
    yield bytes(part)


async def load(service: Service, lines: Iterable[bytes]) -> None:
    """Restore the accounts of a snapshot. An existing account with the same token is replaced.

    The clocks of the accounts continue from the time of the snapshot. If a line cannot be read, ValueError is raised
    and nothing is restored.
    """
    remaining_lines = iter(lines)
    header = read_header(remaining_lines)
    states: list[AccountState] = list(read_accounts(remaining_lines, service.operations))
    for state in states:
        if state.account.frozen_at is None:
            state.account.shift += header.now - service.clock.now()
        await service.store.restore(state)
        for delivery in state.deliveries:
            service.callback_service.scheduler.put(state.account, delivery)
