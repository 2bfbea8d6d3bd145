"""The store of accounts, tasks and deliveries: its protocol, and the implementation in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from evolink_mock.domain.accounts import open_account

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.tasks import Task


class Store(Protocol):
    """Accounts by token, tasks by id, deliveries by task. Dropping an account drops its tasks and deliveries."""

    async def account(self, token: str) -> Account:
        """The account of a token. The first call with a token opens its account."""
        ...

    async def accounts(self) -> Sequence[Account]:
        """Every account, in the order in which they were opened."""
        ...

    async def put(self, task: Task) -> None:
        """Store a task under its id and its account, replacing an earlier version."""
        ...

    async def task(self, task_id: str) -> Task | None:
        """The task with this id, of any account."""
        ...

    async def tasks(self, token: str) -> Sequence[Task]:
        """The tasks of an account, in the order of creation."""
        ...

    async def record(self, delivery: Delivery) -> None:
        """Store the delivery of a stored task, replacing an earlier version."""
        ...

    async def delivery(self, task_id: str) -> Delivery | None:
        """The delivery of a task's callback, with its attempts so far."""
        ...

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """The deliveries of an account, in the order of its tasks."""
        ...

    async def drop(self, token: str) -> None:
        """Drop an account with its tasks and deliveries."""
        ...


class MemoryStore:
    """A `Store` in memory. `changed` is called with the token of each account whose delivery is recorded."""

    def __init__(self, terms: AccountTerms, changed: Callable[[str], None] = lambda _: None) -> None:
        self._terms = terms
        self._changed = changed
        self._accounts: dict[str, Account] = {}
        self._tasks: dict[str, Task] = {}
        self._ids: dict[str, list[str]] = {}
        self._deliveries: dict[str, Delivery] = {}

    async def account(self, token: str) -> Account:
        """The account of a token."""
        account = self._accounts.get(token)
        if account is None:
            account = self._accounts[token] = open_account(token, self._terms)
            self._ids.setdefault(token, [])
        return account

    async def accounts(self) -> Sequence[Account]:
        """Every account."""
        return [*self._accounts.values()]

    async def put(self, task: Task) -> None:
        """Store a task."""
        if task.id not in self._tasks:
            # An account that was dropped while its request was being read has no list of ids.
            self._ids.setdefault(task.account, []).append(task.id)
        self._tasks[task.id] = task

    async def task(self, task_id: str) -> Task | None:
        """The task with this id."""
        return self._tasks.get(task_id)

    async def tasks(self, token: str) -> Sequence[Task]:
        """The tasks of an account."""
        return [self._tasks[task_id] for task_id in self._ids.get(token, ())]

    async def record(self, delivery: Delivery) -> None:
        """Store a delivery, unless its task was dropped in the meantime."""
        task = self._tasks.get(delivery.task_id)
        if task is not None:
            self._deliveries[delivery.task_id] = delivery
            self._changed(task.account)

    async def delivery(self, task_id: str) -> Delivery | None:
        """The delivery of a task's callback."""
        return self._deliveries.get(task_id)

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """The deliveries of an account."""
        deliveries = (self._deliveries.get(task_id) for task_id in self._ids.get(token, ()))
        return [delivery for delivery in deliveries if delivery is not None]

    async def drop(self, token: str) -> None:
        """Drop an account."""
        self._accounts.pop(token, None)
        for task_id in self._ids.pop(token, ()):
            del self._tasks[task_id]
            self._deliveries.pop(task_id, None)
