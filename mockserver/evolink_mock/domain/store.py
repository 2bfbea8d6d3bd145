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
    """The store cannot be used at present, and nothing was changed. The message is the reason."""


class Change(Struct, frozen=True, gc=False):
    """The records that are stored together with the new state of an account, in one write.

    `task` and `delivery` are new. If `replaces`, `task` replaces its earlier version. `due` moves the next attempt of
    the task's delivery, if that attempt has not begun.
    """

    task: Task | None = None
    delivery: Delivery | None = None
    due: float | None = None
    replaces: bool = False


NO_CHANGE = Change()
IsTaken = Callable[[str], bool]
MayHold = Callable[[str, str], bool]  # by token and receiver
# Decides on a request: `step(account, is_taken)` changes only the account that it is passed, and returns the records
# to store with it. A store may call it again with a newer account. `is_taken(task_id)` tells whether a task has the id.
Step = Callable[["Account", IsTaken], Change]


class AccountState(Struct, frozen=True):
    """An account with its tasks, deliveries and journal, each in order of creation."""

    account: Account
    tasks: Sequence[Task]
    deliveries: Sequence[Delivery]
    journal: Journal


class Store(Protocol):
    """Accounts by token, tasks by id, deliveries by task.

    `account`, `change` and `find` create the account of a new token. Dropping an account also drops its tasks,
    deliveries and journal. Every method may raise `StoreError`.
    """

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None if it succeeded."""
        ...

    async def account(self, token: str) -> Account:
        """Return the account of a token. The caller must not modify the account, because only `change` stores it."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Change an account by `step`, atomically: either all its changes are stored, or none."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return every account, in order of creation."""
        ...

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return an account, which must not be modified, and the task with this id, whichever account owns it."""
        ...

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id, whichever account owns it; None if there is none."""
        ...

    async def tasks(self, token: str) -> Sequence[Task]:
        """Return the tasks of an account, in order of creation."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback; None if the task has no callback."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account, in the order of its tasks."""
        ...

    async def next_due(self, token: str) -> float | None:
        """Return the time, on the account's clock, at which its next callback is due; None if none is planned."""
        ...

    async def drop(self, token: str) -> None:
        """Drop an account with its tasks, deliveries and journal."""
        ...

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal, replacing an account with the same token.

        Raises ValueError if a task id belongs to another account.
        """
        ...

    def recorder(self, token: str) -> Recorder:
        """Return the recorder for the exchanges of an account. Never blocks and never raises an error."""
        ...

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account, with every exchange recorded so far."""
        ...

    async def dropped_exchanges(self) -> int:
        """Return how many exchanges the journals have dropped, those of requests without an account included."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Forget the exchanges of an account and their violations."""
        ...

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """Return the tokens of accounts that have had no request since `since`.

        `since` and `now` are Unix seconds of real time.
        """
        ...

    def close(self) -> None:
        """Write the recorded exchanges and give up the leases. Never raises an error."""
        ...


class Claim(Struct, frozen=True):
    """A leased delivery and its account. `interruptions` is how often a worker died during this attempt."""

    account: Account
    delivery: Delivery
    interruptions: int


class Leases(Protocol):
    """The leases of deliveries in a store that workers share. A worker keeps its leases while it renews them.

    Another worker can lease the deliveries of a dead worker at once, even if the account's time is frozen.
    """

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery may be attempted, on the server's clock; None if none is planned."""
        ...

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now` and that `may_hold` accepts, up to `most` per account and receiver."""
        ...

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the deliveries of an account that are due by its frozen clock; none if its clock runs."""
        ...

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task; None if a worker has already leased it."""
        ...

    async def begin(self, delivery: Delivery) -> bool:
        """Record that the attempt begins. Returns False if the lease was lost or the delivery was dropped."""
        ...

    async def release(self, delivery: Delivery) -> None:
        """Give up a lease without an attempt."""
        ...

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:
        """Store an attempt and give up the lease. Returns False if the lease was lost or the delivery was dropped."""
        ...

    async def is_attempting(self, token: str) -> bool:
        """Whether a worker has leased a delivery of the account."""
        ...

    async def is_alive(self, worker: str) -> bool:
        """Whether a worker renews its leases."""
        ...

    async def renew(self) -> None:
        """Renew the leases of this worker, and end those of dead workers. Must be called every second."""
        ...

    async def end(self) -> None:
        """End all leases of this worker."""
        ...


class SharedStore(Store, Protocol):
    """A store outside this process, which several workers may share."""

    worker: str  # the unique name of this process
    terms: AccountTerms  # of new accounts
    wall_time: Callable[[], float]  # Unix seconds, for leases, expiry, and the clock of the servers

    @property
    def leases(self) -> Leases:
        """The leases of the store's deliveries."""
        ...

    def fact(self, name: str, value: Any = None) -> Any:
        """Return a fact about the store, such as the seed of its ids.

        If it is not stored yet, `value` is stored and returned.
        """
        ...

    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact, replacing its earlier value."""
        ...

    async def has_changed(self) -> bool:
        """Whether another worker has changed the store since the last call."""
        ...

    async def flush(self) -> None:
        """Write some of the recorded exchanges to the journals. Must be called often."""
        ...


class LocalStore(Store, Protocol):
    """A store whose calls take at most tens of microseconds, so that the event loop can wait for them."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Do what `find` does, without an event loop."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """Do what `change` does, without an event loop."""
        ...


class BatchingStore(LocalStore, Protocol):
    """A store that can serve the calls of several requests together, in one round trip or one transaction.

    While `is_batching` is set, `find` and `change` yield the commands that they want to send, and expect the replies.
    """

    is_batching: bool

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Return for each command its reply or its exception. Raises `StoreError` if the store cannot be used."""
        ...
