"""The interface of a store for accounts, tasks, deliveries and journals."""

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

    In general, the call that raises this error changes nothing. If a Redis connection is lost, the server may have
    stored the change.
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
    """A store of accounts (by token), tasks (by id) and deliveries (by task id).

    The methods `account`, `change` and `find` create an account if the token has none. The methods `recorder` and
    `close` raise no errors. Every other method may raise `StoreError`.
    """

    @property
    def problem(self) -> str | None:
        """The reason for the last failed read or write. A successful write resets the reason to None."""
        ...

    async def account(self, token: str) -> Account:
        """Return the account of a token. The caller must not modify the account."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Call `step`, which modifies the account. Store the account and the records that `step` returns.

        If `step` raises an error or the store rejects the change, nothing is stored.
        """
        ...

    async def accounts(self) -> Sequence[Account]:
        """Return every account, in order of creation."""
        ...

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        Another account may own the task. The caller must not modify the account. The task is None if no task has this
        id.
        """
        ...

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id, of any account. Returns None if no task has this id."""
        ...

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return an account's tasks in order of creation. If `latest` is set, return that many of the newest tasks."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback. Returns None if the task has no callback."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account, in the order of their tasks' creation."""
        ...

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock.

        Returns None if no callback is planned.
        """
        ...

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        ...

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal.

        An account with the same token is replaced. Raises ValueError if another account has one of the task ids.
        """
        ...

    def recorder(self, token: str) -> Recorder:
        """Return the recorder of the account's journal. This method never blocks and never raises an error."""
        ...

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account. Exchanges that workers still keep in memory are included."""
        ...

    async def dropped_exchanges(self) -> int:
        """Return how many exchanges have been removed from all journals to save space."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Remove all exchanges and violations from the journal of an account."""
        ...

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """Return the tokens of the accounts that have sent no request since `since`.

        `now` is the present time. Both `since` and `now` are Unix seconds of real time.
        """
        ...

    def close(self) -> None:
        """Write the remaining exchanges to the journals. End the leases of this process. Never raises an error."""
        ...


class Claim(Struct, frozen=True):
    """A leased delivery with its account."""

    account: Account
    delivery: Delivery
    interruptions: int  # number of workers that died during the attempt that is now due again


class Leases(Protocol):
    """The leases of deliveries in a store that several workers share.

    A lease is the right of one worker process to attempt a delivery. A live worker calls `renew` to keep its leases.
    This call also ends the leases of dead workers. Any worker can then lease the deliveries of the dead workers.
    """

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery is due, on the mock server's clock.

        Returns None if no delivery is planned.
        """
        ...

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now` (Unix seconds of the mock server's clock).

        For each pair of account and receiver, this call leases at most `most` deliveries. If
        `may_hold(token, receiver)` returns False, no delivery for this pair is leased.
        """
        ...

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the account's deliveries that are due by its frozen clock. Lease none if the clock runs."""
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
        """Store the result of an attempt, and end the lease.

        `before` and `after` are the states of the delivery before and after the attempt. Returns False if this worker
        has lost the lease or the delivery was deleted.
        """
        ...

    async def is_attempting(self, token: str) -> bool:
        """Return whether a worker has leased a delivery of the account."""
        ...

    async def is_alive(self, worker: str) -> bool:
        """Return whether the worker with this name still renews its leases."""
        ...

    async def renew(self) -> None:
        """Renew the leases of this worker. End the leases of dead workers. Call this method every second."""
        ...

    async def end(self) -> None:
        """End all leases of this worker."""
        ...


class SharedStore(Store, Protocol):
    """A store that several worker processes can share: a file or a server."""

    worker: str  # the unique name of this process
    terms: AccountTerms  # the initial state of new accounts
    wall_time: Callable[[], float]  # returns Unix seconds of real time

    @property
    def leases(self) -> Leases:
        """The leases of the deliveries in this store."""
        ...

    def fact(self, name: str, value: Any = None) -> Any:
        """Return the value that all workers share under this name.

        An example is the seed of the task ids. If no value is stored under this name, `value` is stored and returned.
        """
        ...

    def set_fact(self, name: str, value: Any) -> None:
        """Store a value under this name for all workers. An earlier value is replaced."""
        ...

    async def has_changed(self) -> bool:
        """Return whether another worker has written to the store since the previous call."""
        ...

    async def flush(self) -> None:
        """Write some of this worker's collected exchanges to the journals. Later calls write the rest.

        Call this method often: many times per second. If too many exchanges are collected, the oldest are dropped.
        """
        ...


class LocalStore(Store, Protocol):
    """A store that may block the event loop. A call takes at most tens of microseconds."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Do the same as `find`, without awaiting."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """Do the same as `change`, without awaiting."""
        ...


class BatchingStore(LocalStore, Protocol):
    """A store that can handle several HTTP requests in one round trip or transaction.

    While `is_batching` is true, the coroutines `find` and `change` can yield database commands to the batched lane. The
    lane collects the commands of several requests. The method `send` executes the collected commands. The lane then
    continues each coroutine with the replies to the coroutine's commands.
    """

    is_batching: bool

    def begin_batch(self) -> None:
        """Begin a batch of requests. Once per batch, the store checks whether its cache is out of date."""
        ...

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None] | None:
        """Return the token's account, and the task with this id. Returns None if one of them is not cached."""
        ...

    def send(self, commands: Sequence[Any]) -> list[Any]:
        """Execute commands of several requests. Return the reply to each command.

        If a command fails, its reply is the exception. Raises `StoreError` if the store cannot be used.
        """
        ...
