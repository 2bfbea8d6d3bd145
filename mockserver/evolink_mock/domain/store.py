"""What a store is: accounts, tasks, deliveries and journals, and the atomic change of an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.exchange import Journal, Recorder
    from evolink_mock.domain.tasks import Task


class StoreError(Exception):
    """The store cannot be used at the moment; the text says why. Nothing was changed."""


class Change(Struct, frozen=True, gc=False):
    """What is stored together with the new state of an account, in one write.

    `task` and `delivery` are added, or replace an earlier version. `due` moves the delivery of `task`, if its next
    attempt has not begun.
    """

    task: Task | None = None
    delivery: Delivery | None = None
    due: float | None = None


NO_CHANGE = Change()
IsTaken = Callable[[str], bool]
# Decides on a request: `step(account, is_taken)` changes the account that it is passed, and nothing else, and returns
# what to store beside it. A store may call it again with a newer account. `is_taken(task_id)`: the id is not free.
Step = Callable[["Account", IsTaken], Change]


class Store(Protocol):
    """Accounts by token, tasks by id, deliveries by task. Dropping an account drops all that belongs to it.

    The first use of a token opens its account. Every method may raise `StoreError`.
    """

    async def account(self, token: str) -> Account:
        """The account of a token, to be read only: only `change` stores what is changed."""
        ...

    async def change(self, token: str, step: Step) -> None:
        """Change an account by `step`, atomically: either all that it decides is stored, or nothing."""
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
        """When the next callback of an account is due, on its clock; None for never."""
        ...

    async def drop(self, token: str) -> None:
        """Drop an account with its tasks, deliveries and journal."""
        ...

    def recorder(self, token: str) -> Recorder:
        """Where to record the exchanges of an account. Returns at once and raises nothing."""
        ...

    async def journal(self, token: str) -> Journal:
        """The journal of an account, with every exchange that has been recorded."""
        ...

    async def clear_journal(self, token: str) -> None:
        """Forget the exchanges of an account and their violations."""
        ...


class LocalStore(Store, Protocol):
    """A store in this process or on this machine: its calls return at once, in microseconds."""

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """`find`, without the need of an event loop."""
        ...

    def change_now(self, token: str, step: Step) -> None:
        """`change`, without the need of an event loop."""
        ...
