"""Write the state of a server as lines, and restore it, for tests that start from a prepared state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.stores.export import Header, export, read_accounts, read_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_mock.domain.store import AccountState
    from evolink_mock.service.service import Service


async def dump(service: Service) -> bytes:
    """The state as JSON Lines."""
    header = Header(service.clock.now())
    return b"".join([line async for line in export(service.store, service.operations, header)])


async def load(service: Service, lines: Iterable[bytes]) -> None:
    """Restore the accounts of a snapshot, in place of earlier ones with their tokens.

    Their time goes on from the instant of the snapshot. ValueError for lines that cannot be read; then nothing is
    restored.
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
