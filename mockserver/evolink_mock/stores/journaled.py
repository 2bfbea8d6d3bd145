"""The base class of the stores that several workers share. Each worker writes the journals in batches."""

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

WANTED = "journals wanted"  # name of the fact that a worker changes before it reads a journal
_OTHERS_SECONDS = 0.06  # real time in which the other workers write their exchanges


class Journals(Protocol):
    """The journals in a file or on a server."""

    buffers: JournalBuffers

    def read(self, token: str) -> Journal:
        """Return the journal of an account."""
        ...

    def dropped(self) -> int:
        """Return how many exchanges the journals of all accounts have dropped. Unwritten exchanges are not counted."""
        ...

    def clear(self, token: str) -> None:
        """Remove the exchanges of an account."""
        ...


class Leases(Protocol):
    """The leases of deliveries, and the workers that hold them."""

    async def others(self) -> int:
        """Return the number of other workers."""
        ...

    def end_now(self) -> None:
        """End all leases of this worker."""
        ...


class Connection(Protocol):
    """The connection to a file or a server."""

    problem: str | None

    def close(self) -> None:
        """Close the connection. This method never raises an error."""
        ...


class JournaledStore(ABC):
    """A store whose journals are written by several workers.

    Before a worker reads a journal, it changes a fact in the store. When the other workers notice the new value of the
    fact, they write the exchanges that they have recorded.
    """

    connection: Connection
    journals: Journals
    leases: Leases
    _wanted: Any = None  # the last value of the fact `WANTED` that this worker noticed

    @abstractmethod
    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact under this name, replacing its earlier value."""

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None if it succeeded."""
        return self.connection.problem

    def recorder(self, token: str) -> Recorder:
        """Return the recorder for the exchanges of an account."""
        return self.journals.buffers.recorder(token)

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account, after other workers have had the time to write what they have recorded."""
        if await self.leases.others():
            self.set_fact(WANTED, secrets.token_hex(4))
            await sleep(_OTHERS_SECONDS)
        return self.journals.read(token)

    async def dropped_exchanges(self) -> int:
        """Return how many exchanges the journals have dropped."""
        return self.journals.dropped()

    async def clear_journal(self, token: str) -> None:
        """Remove the exchanges of an account."""
        self.journals.clear(token)

    async def flush(self) -> None:
        """Write some of the recorded exchanges to the journals."""
        self.journals.buffers.flush_in_rounds()

    def flush_if_wanted(self, wanted: Any) -> None:
        """Write all recorded exchanges if `wanted`, the present value of the fact `WANTED`, is new to this worker."""
        if wanted != self._wanted:
            self._wanted = wanted
            self.journals.buffers.flush()

    def close(self) -> None:
        """Write the recorded exchanges, give up the leases of this worker, and close the connection."""
        with suppress(StoreError):
            self.journals.buffers.flush()
            self.leases.end_now()
        self.connection.close()
