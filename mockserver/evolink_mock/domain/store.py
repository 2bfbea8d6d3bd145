"""The interface of a store, which keeps accounts, tasks, deliveries and journals, and changes accounts atomically."""

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
    """The store cannot be used at present. The message is the reason.

    The call that raises this error changes nothing, unless the connection to a Redis server is lost during the call. In
    this case, the server may have stored the change.
    """


class Change(Struct, frozen=True, gc=False):
    """The records that are stored together with a changed account, in one transaction.

    An attempt that has already begun is not affected by `due`.
    """

    task: Task | None = None  # a new task, or the new state of a stored task
    delivery: Delivery | None = None  # a new delivery
    due: float | None = None  # new time of the next attempt to deliver the callback of `task`
    replaces: bool = False  # whether `task` replaces the stored task with the same id


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
    """A store of accounts (by token), tasks (by id) and deliveries (by the id of their task).

    The methods `account`, `change` and `find` create an account if the token has none. All methods except `recorder`
    and `close` may raise `StoreError`.
    """

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None if it succeeded."""
        ...

    async def account(self, token: str) -> Account:
        """Return the account of a token. The caller must not modify it, because only `change` stores modifications."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Call `step`, which modifies the account. Store the account, and any task and delivery that `step` returns.

        If `step` raises an error or the store rejects the change, nothing is stored.
        """
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return every account, in order of creation."""
        ...

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id, even if another account owns the task.

        The caller must not modify the account. The task is None if no task has this id.
        """
        ...

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id, whichever account owns it; None if no task has this id."""
        ...

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return the tasks of an account, in order of creation; only the last `latest` tasks if `latest` is set."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback; None if the task has no callback."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account, in the order in which their tasks were created."""
        ...

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock; None if no callback is planned."""
        ...

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        ...

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal, and replace the account with the same token, if any.

        Raises ValueError if another account has a task with the same id as one of these tasks.
        """
        ...

    def recorder(self, token: str) -> Recorder:
        """Return the object that records requests of an account, and the responses to them, in the account's journal.

        This method never blocks and never raises an error.
        """
        ...

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account, which is the log of its requests and responses.

        Before this method reads the journal, other workers write the exchanges that they still keep in memory.
        """
        ...

    async def dropped_exchanges(self) -> int:
        """Return how many old requests, with their responses, have been removed from all journals to save space."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        ...

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """Return the tokens of the accounts that have sent no request since `since`.

        `since` and `now`, the present time, are Unix seconds of real time.
        """
        ...

    def close(self) -> None:
        """Write the exchanges that are not in the journals yet, and end the leases of this process.

        This method never raises an error.
        """
        ...


class Claim(Struct, frozen=True):
    """A leased delivery with its account."""

    account: Account
    delivery: Delivery
    interruptions: int  # number of workers that died during the attempt that is now due again


class Leases(Protocol):
    """The leases of deliveries in a store that several workers share.

    A lease is the right of one worker process to attempt a delivery. A worker keeps its leases while it renews them. If
    the worker has died, the method `renew` of another worker ends these leases, so that any worker can lease the
    deliveries.
    """

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery is due, on the mock server's clock; None if no delivery is planned."""
        ...

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now`, in Unix seconds of the mock server's clock.

        For each pair of an account and a receiver, this call leases at most `most` deliveries. It leases none for the
        pair if `may_hold(token, receiver)` returns False, because this worker already has enough of them.
        """
        ...

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the account's deliveries that are due by its frozen clock. If the clock is not frozen, lease none."""
        ...

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task. Returns None if a worker has already leased the delivery."""
        ...

    async def begin(self, delivery: Delivery) -> bool:
        """Record that this worker begins an attempt of a delivery that it has leased.

        Returns False if this worker has lost the lease or the delivery was deleted.
        """
        ...

    async def release(self, delivery: Delivery) -> None:
        """End the lease of a delivery that was not attempted."""
        ...

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:
        """Store the result of an attempt: replace the delivery `before` with the delivery `after`, and end the lease.

        Returns False if this worker has lost the lease or the delivery was deleted.
        """
        ...

    async def is_attempting(self, token: str) -> bool:
        """Return whether a worker has leased a delivery of the account."""
        ...

    async def is_alive(self, worker: str) -> bool:
        """Return whether the worker with this name is running, which means that it renews its leases."""
        ...

    async def renew(self) -> None:
        """Renew the leases of this worker, and end the leases of dead workers. Must be called every second."""
        ...

    async def end(self) -> None:
        """End all leases of this worker."""
        ...


class SharedStore(Store, Protocol):
    """A store in a file or on a server, which several worker processes can share."""

    worker: str  # the unique name of this process
    terms: AccountTerms  # the initial state of new accounts
    wall_time: Callable[[], float]  # returns Unix seconds of real time

    @property
    def leases(self) -> Leases:
        """The leases of the deliveries in this store."""
        ...

    def fact(self, name: str, value: Any = None) -> Any:
        """Return the value that all workers share under this name, such as the seed of the task ids.

        If no value is stored under this name, `value` is stored and returned.
        """
        ...

    def set_fact(self, name: str, value: Any) -> None:
        """Store a value under this name for all workers. It replaces the earlier value, if any."""
        ...

    async def has_changed(self) -> bool:
        """Return whether another worker has written to the store since the last call of this method."""
        ...

    async def flush(self) -> None:
        """Write some of the collected exchanges of this worker to the journals; later calls write the others.

        Must be called many times per second, because a worker can collect only a limited number of exchanges.
        """
        ...


class LocalStore(Store, Protocol):
    """A store whose calls take at most tens of microseconds, and may therefore block the event loop."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Do the same as `find`, without awaiting."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """Do the same as `change`, without awaiting."""
        ...


class BatchingStore(LocalStore, Protocol):
    """A store that can handle several HTTP requests together, in one round trip or one transaction.

    While `is_batching` is true, the coroutines `find` and `change` do not execute their commands (the reads and writes
    that they need). Instead, they yield the commands to the batched lane, which runs the coroutines step by step. The
    lane passes the commands of several requests to `send`, and passes the replies back to the coroutines.
    """

    is_batching: bool

    def begin_batch(self) -> None:
        """Begin a batch of requests. The store checks its cached accounts and tasks for changes once in each batch."""
        ...

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None] | None:
        """Return the token's account, and the task with this id, from the cache; None if they are not cached."""
        ...

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Execute commands of several requests. For each command, return the reply, or the exception that it caused.

        Raises `StoreError` if the store cannot be used.
        """
        ...
