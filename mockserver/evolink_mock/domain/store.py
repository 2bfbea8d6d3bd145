"""The interface of a store: accounts, tasks, deliveries and journals, and the atomic change of an account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.exchange import Journal, Recorder
    from evolink_mock.domain.tasks import Task


class StoreError(Exception):
    """The store cannot be used at the moment; the text is the reason. Nothing was changed."""


class Change(Struct, frozen=True, gc=False):
    """The records that are stored together with the new state of an account, in one write.

    `task` and `delivery` are new; with `replaces`, `task` replaces its earlier version. `due` moves the delivery of
    `task`, if its next attempt has not begun.
    """

    task: Task | None = None
    delivery: Delivery | None = None
    due: float | None = None
    replaces: bool = False


NO_CHANGE = Change()
IsTaken = Callable[[str], bool]
MayHold = Callable[[str, str], bool]  # by token and receiver
# Decides on a request: `step(account, is_taken)` changes the account that it is passed, and nothing else, and returns
# what to store beside it. A store may call it again with a newer account. `is_taken(task_id)`: the id is not free.
Step = Callable[["Account", IsTaken], Change]


class AccountState(Struct, frozen=True):
    """An account with its tasks, deliveries and journal, each in the order of creation."""

    account: Account
    tasks: Sequence[Task]
    deliveries: Sequence[Delivery]
    journal: Journal


class Store(Protocol):
    """Accounts by token, tasks by id, deliveries by task. Dropping an account drops its tasks, deliveries and journal.

    `account`, `change` and `find` open the account of a new token. Every method may raise `StoreError`.
    """

    @property
    def problem(self) -> str | None:
        """The reason why the last write failed; None after a success."""
        ...

    async def account(self, token: str) -> Account:
        """The account of a token, for reading only: changes are stored only by `change`."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Change an account by `step`, atomically: either all its changes are stored, or none."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Every account, in the order in which they were opened."""
        ...

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """An account, to be read only, and the task with this id, of any account."""
        ...

    async def task(self, task_id: str) -> Task | None:
        """The task with this id, of any account."""
        ...

    async def tasks(self, token: str) -> Sequence[Task]:
        """The tasks of an account, in the order of creation."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """The delivery of a task's callback, with its attempts so far."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """The deliveries of an account, in the order of its tasks."""
        ...

    async def next_due(self, token: str) -> float | None:
        """The instant at which the next callback of an account is due, on its clock; None if none is planned."""
        ...

    async def drop(self, token: str) -> None:
        """Drop an account with its tasks, deliveries and journal."""
        ...

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal, in place of an earlier account with its token.

        ValueError if one of the ids belongs to another account.
        """
        ...

    def recorder(self, token: str) -> Recorder:
        """The recorder for the exchanges of an account. Returns at once and raises nothing."""
        ...

    async def journal(self, token: str) -> Journal:
        """The journal of an account, with every exchange that has been recorded."""
        ...

    async def dropped_exchanges(self) -> int:
        """How many exchanges the journals have dropped, of accounts that are open and of requests without one."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Forget the exchanges of an account and their violations."""
        ...

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """The tokens of accounts without a request since `since`; `since` and `now` are Unix seconds of real time."""
        ...

    def close(self) -> None:
        """Write the recorded exchanges and give up the leases. Raises nothing."""
        ...


class Claim(Struct, frozen=True):
    """A leased delivery, and its account. `interruptions`: how often a worker died in this attempt."""

    account: Account
    delivery: Delivery
    interruptions: int


class Leases(Protocol):
    """The deliveries of a store that several workers share. A worker keeps its leases as long as it renews them.

    A delivery that a dead worker had leased can be leased again at once, even if the time of its account is frozen.
    """

    async def next_wake(self) -> float | None:
        """The first instant of the server's clock at which an unleased delivery may be attempted."""
        ...

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now` and pass `may_hold`, up to `most` for an account and receiver."""
        ...

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the deliveries of an account that are due by its frozen clock. If its clock runs, lease none."""
        ...

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task; None if a worker has leased it already."""
        ...

    async def begin(self, delivery: Delivery) -> bool:
        """Note that the attempt begins; False if the lease is lost, or the delivery was dropped."""
        ...

    async def release(self, delivery: Delivery) -> None:
        """Give up a lease without an attempt."""
        ...

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:
        """Store an attempt and give up the lease; False if the lease is lost, or the delivery was dropped."""
        ...

    async def is_attempting(self, token: str) -> bool:
        """Whether a worker has leased a delivery of the account."""
        ...

    async def is_alive(self, worker: str) -> bool:
        """Whether a worker renews its leases."""
        ...

    async def renew(self) -> None:
        """Renew the leases of this worker, and end those of dead ones. To be called every second."""
        ...

    async def end(self) -> None:
        """End all leases of this worker."""
        ...


class SharedStore(Store, Protocol):
    """A store outside of the process, which several workers may share."""

    worker: str  # a name of this process, unique

    @property
    def leases(self) -> Leases:
        """The leases of deliveries that several workers share."""
        ...

    async def has_changed(self) -> bool:
        """Whether another worker has written since the last call."""
        ...

    async def flush(self) -> None:
        """Write some of the recorded exchanges to the journals. To be called often."""
        ...


class LocalStore(Store, Protocol):
    """A store in this process or on this machine: its calls return at once, in microseconds."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """`find`, without the need of an event loop."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """`change`, without the need of an event loop."""
        ...
