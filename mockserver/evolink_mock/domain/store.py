"""The interface of a store: accounts, tasks, deliveries and journals, and the atomic change of an account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.exchange import Journal, Recorder
    from evolink_mock.domain.tasks import Task


class StoreError(Exception):
    """The store cannot be used at present, and nothing was changed. The message states the reason."""


class Change(Struct, frozen=True, gc=False):
    """The records that are stored together with the new state of an account, in one write.

    `task` and `delivery` are new records. If `replaces` is true, `task` replaces the stored task with the same id.
    `due` is a new time for the next attempt of the task's callback, and has no effect if that attempt has begun.
    """

    task: Task | None = None
    delivery: Delivery | None = None
    due: float | None = None
    replaces: bool = False


NO_CHANGE = Change()
IsTaken = Callable[[str], bool]
MayHold = Callable[[str, str], bool]  # (token, receiver): whether a worker may lease one more delivery
# A step decides on a request. `step(account, is_taken)` changes only its argument `account`, and returns the records to
# store with the account. A store may call a step again with a newer account. `is_taken(task_id)` returns whether a task
# has this id.
Step = Callable[["Account", IsTaken], Change]


class AccountState(Struct, frozen=True):
    """An account with its tasks, deliveries and journal. Each sequence is in order of creation."""

    account: Account
    tasks: Sequence[Task]
    deliveries: Sequence[Delivery]
    journal: Journal


class Store(Protocol):
    """Accounts by token, tasks by id, and deliveries by the id of their task.

    The methods `account`, `change` and `find` create an account if the token is new. Every method may raise
    `StoreError`.
    """

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None if it succeeded."""
        ...

    async def account(self, token: str) -> Account:
        """Return the account of a token. The caller must not modify the account, because only `change` stores it."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Let `step` change an account, and store all its changes. If this fails, nothing is stored."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return every account, in order of creation."""
        ...

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id, whichever account owns the task.

        The caller must not modify the account.
        """
        ...

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id, whichever account owns it; None if no task has this id."""
        ...

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return the tasks of an account, in order of creation; if `latest` is given, only so many of the latest."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback; None if the task has no callback."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account, in the order of its tasks."""
        ...

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock; None if none is planned."""
        ...

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        ...

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal. An account with the same token is replaced.

        Raises ValueError if one of the task ids belongs to another account.
        """
        ...

    def recorder(self, token: str) -> Recorder:
        """Return the recorder for the exchanges of an account. This method never blocks and never raises an error."""
        ...

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account, with every exchange recorded so far."""
        ...

    async def dropped_exchanges(self) -> int:
        """Return how many exchanges all journals have dropped, including the journal of requests without an account."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Remove the exchanges of an account and their violations."""
        ...

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """Return the tokens of the accounts that have sent no request since `since`.

        `since` and `now` are Unix seconds of real time.
        """
        ...

    def close(self) -> None:
        """Write the recorded exchanges and give up the leases of this process. This method never raises an error."""
        ...


class Claim(Struct, frozen=True):
    """A leased delivery and its account. `interruptions` counts the workers that died during the present attempt."""

    account: Account
    delivery: Delivery
    interruptions: int


class Leases(Protocol):
    """The leases of deliveries in a store that several workers share. A worker keeps its leases while it renews them.

    Another worker can lease the deliveries of a dead worker immediately, even if the account's time is frozen.
    """

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery is due, on the server's clock; None if none is planned."""
        ...

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now` and that `may_hold` accepts, up to `most` per account and receiver."""
        ...

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the deliveries of an account that are due by its frozen clock; none if the clock runs."""
        ...

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task. Return None if a worker has already leased it."""
        ...

    async def begin(self, delivery: Delivery) -> bool:
        """Record that an attempt begins. Return False if the lease was lost or the delivery was dropped."""
        ...

    async def release(self, delivery: Delivery) -> None:
        """Give up the lease of a delivery without an attempt."""
        ...

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:
        """Store the delivery after an attempt, and give up its lease.

        Returns False if the lease was lost or the delivery was dropped.
        """
        ...

    async def is_attempting(self, token: str) -> bool:
        """Return whether a worker has leased a delivery of the account."""
        ...

    async def is_alive(self, worker: str) -> bool:
        """Return whether the worker with this name renews its leases."""
        ...

    async def renew(self) -> None:
        """Renew the leases of this worker, and end the leases of dead workers. Must be called every second."""
        ...

    async def end(self) -> None:
        """End all leases of this worker."""
        ...


class SharedStore(Store, Protocol):
    """A store outside this process, which several worker processes may share."""

    worker: str  # the unique name of this process
    terms: AccountTerms  # the initial state of new accounts
    wall_time: Callable[[], float]  # Unix seconds, for leases, expiry, and the clock of the servers

    @property
    def leases(self) -> Leases:
        """The leases of the deliveries in this store."""
        ...

    def fact(self, name: str, value: Any = None) -> Any:
        """Return a fact about the store, such as the seed of its ids.

        If the store has no fact with this name, `value` is stored and returned.
        """
        ...

    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact under this name, replacing its earlier value."""
        ...

    async def has_changed(self) -> bool:
        """Return whether another worker has changed the store since the last call of this method."""
        ...

    async def flush(self) -> None:
        """Write some of the recorded exchanges to the journals. Must be called often."""
        ...


class LocalStore(Store, Protocol):
    """A store whose calls take at most tens of microseconds, so that the event loop may wait for them."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Do the same as `find`, without an event loop."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """Do the same as `change`, without an event loop."""
        ...


class BatchingStore(LocalStore, Protocol):
    """A store that can serve the calls of several requests together, in one round trip or one transaction.

    While `is_batching` is true, `find` and `change` yield the commands that they want to send, and receive the
    replies.
    """

    is_batching: bool

    def begin_batch(self) -> None:
        """Begin a batch of requests.

        In each batch, `find_cached` checks only once whether another process wrote to the store.
        """
        ...

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None] | None:
        """Do the same as `find`, from a cache. Return None if the result is not cached."""
        ...

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Return for each command its reply or its exception. Raises `StoreError` if the store cannot be used."""
        ...
