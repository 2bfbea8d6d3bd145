"""The base class of the stores that several worker processes share."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from evolink_mock.domain.clock import sleep
from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Journal, Recorder
    from evolink_mock.stores.journal_buffers import JournalBuffers

WANTED = "journals wanted"  # name of the shared value that a worker changes before it reads a journal
_OTHERS_SECONDS = 0.06  # real time for the other workers to write their exchanges


class Journals(Protocol):
    """Reads and clears the journals in an SQLite file or on a Redis server."""

    buffers: JournalBuffers

    def read(self, token: str) -> Journal:
        """Return the journal of an account: its requests and responses."""
        ...

    def dropped(self) -> int:
        """Return how many old exchanges have been removed from all journals."""
        ...

    def clear(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        ...


class Leases(Protocol):
    """The methods of a store's leases that `JournaledStore` uses."""

    async def others(self) -> int:
        """Return the number of other running workers."""
        ...

    def end_now(self) -> None:
        """End all leases of this worker."""
        ...


class Connection(Protocol):
    """The part of a connection that `JournaledStore` uses."""

    problem: str | None

    def close(self) -> None:
        """Close the connection. This method never raises an error."""
        ...


class JournaledStore(ABC):
    """A store for several workers.

    Each worker collects exchanges in memory, and writes them to the journals later. Before a worker reads a journal,
    the other workers must write their exchanges. To request this, the worker changes a value in the store. `WANTED` is
    the name of this value. All workers read this value regularly. When the value has changed, each worker writes all
    its collected exchanges.
    """

    connection: Connection
    journals: Journals
    leases: Leases
    _wanted: Any = None  # `wanted` in the previous call of `flush_if_wanted`

    @abstractmethod
    def set_fact(self, name: str, value: Any) -> None:
        """Set the value that all workers share under this name."""

    @property
    def problem(self) -> str | None:
        """The reason for the last failed read or write.

        A successful write resets the reason to None.
        """
        return self.connection.problem

    def recorder(self, token: str) -> Recorder:
        """Return the buffer that collects the requests and responses of an account."""
        return self.journals.buffers.recorder(token)

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account: its requests and responses.

        Before the journal is read, the workers get time to write their collected exchanges.
        """
        if await self.leases.others():
            self.set_fact(WANTED, secrets.token_hex(4))
            await sleep(_OTHERS_SECONDS)
        return self.journals.read(token)

    async def dropped_exchanges(self) -> int:
        """Return how many old exchanges have been removed from all journals."""
        return self.journals.dropped()

    async def clear_journal(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        self.journals.clear(token)

    async def flush(self) -> None:
        """Write some of the collected exchanges of this worker. Later calls write the rest."""
        self.journals.buffers.flush_in_rounds()

    def flush_if_wanted(self, wanted: Any) -> None:
        """Write all collected exchanges of this worker if a worker is about to read a journal.

        `wanted` is the value that the store now has under the name `WANTED`. If `wanted` differs from the previous
        call's argument, a worker is about to read a journal.
        """
        if wanted != self._wanted:
            self._wanted = wanted
            self.journals.buffers.flush()

    def close(self) -> None:
        """Write the collected exchanges, end the leases, and close the connection."""
        with suppress(StoreError):
            self.journals.buffers.flush()
            self.leases.end_now()
        self.connection.close()
