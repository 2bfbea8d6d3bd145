"""The store in the memory of one process. The state is lost when the process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain.accounts import open_account
from evolink_mock.domain.exchange import Journal, JournalSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import AccountState, Change, Step
    from evolink_mock.domain.tasks import Task


class MemoryStore:
    """A store in the memory of this process. Its methods never wait for input or output.

    A token always has the same `Account` object, which `change` modifies in place. The argument `changed` is a
    function. The store calls `changed(token)` after it stores a delivery of the account.
    """

    problem: str | None = None

    def __init__(self, terms: AccountTerms, changed: Callable[[str], None] = lambda _: None) -> None:
        self._terms = terms
        self._changed = changed
        self._accounts: dict[str, Account] = {}
        self._space = JournalSpace()
        self._journals = {"": Journal(space=self._space)}
        self._tasks: dict[str, Task] = {}
        self._ids: dict[str, list[str]] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._used: set[str] | None = None  # tokens used since the previous call of `unused`
        self._used_at: dict[str, float] = {}  # Unix seconds of the call of `unused` that noticed the use

    def account_now(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary."""
        account = self._accounts.get(token)
        if account is None:
            account = self._accounts[token] = open_account(token, self._terms)
            self._journals[token] = Journal(account.label, self._space)
        return account

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id.
        """
        return self.account_now(token), self._tasks.get(task_id)

    def change_now(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too.
        """
        change = step(self.account_now(token), self._tasks.__contains__)
        if change.task is not None:
            self._store(change.task, change)

    def record_now(self, delivery: Delivery) -> None:
        """Store the new state of a delivery. If its task was deleted, do nothing."""
        task = self._tasks.get(delivery.task_id)
        if task is not None:
            self._deliveries[delivery.task_id] = delivery
            self._changed(task.account)  # wakes requests to the control API that wait for the result

    async def account(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary."""
        return self.account_now(token)

    async def change(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too.
        """
        self.change_now(token, step)

    async def accounts(self) -> Sequence[Account]:
        """Return every account."""
        return [*self._accounts.values()]

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id.
        """
        return self.account_now(token), self._tasks.get(task_id)

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id.

        Returns None if no task has this id.
        """
        return self._tasks.get(task_id)

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return the tasks of an account. If `latest` is set, return that many of the newest tasks."""
        ids = self._ids.get(token, [])
        return [self._tasks[task_id] for task_id in (ids if latest is None else ids[-latest:])]

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback.

        Returns None if the task has no callback.
        """
        return self._deliveries.get(task_id)

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account."""
        deliveries = (self._deliveries.get(task_id) for task_id in self._ids.get(token, ()))
        return [delivery for delivery in deliveries if delivery is not None]

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock.

        Returns None if no callback is planned.
        """
        dues = [delivery.due for delivery in await self.deliveries(token) if delivery.due is not None]
        return min(dues, default=None)

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        if self._accounts.pop(token, None) is not None:
            self._journals.pop(token).move_to(None)
        for task_id in self._ids.pop(token, ()):
            del self._tasks[task_id]
            self._deliveries.pop(task_id, None)

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal."""
        token = state.account.token
        await self.drop(token)
        if any(task.id in self._tasks for task in state.tasks):
            raise ValueError("a task of another account has the same id")
        self._accounts[token] = state.account
        self._journals[token] = state.journal
        state.journal.move_to(self._space)
        self._ids[token] = [task.id for task in state.tasks]
        self._tasks |= {task.id: task for task in state.tasks}
        self._deliveries |= {delivery.task_id: delivery for delivery in state.deliveries}

    def recorder(self, token: str) -> Journal:
        """Return the journal of an account.

        If `token` is empty, return the journal of the requests that belong to no account.
        """
        if self._used is not None:
            self._used.add(token)
        journal = self._journals.get(token)
        if journal is None:
            self.account_now(token)
            journal = self._journals[token]
        return journal

    async def journal(self, token: str) -> Journal:
        """Return the journal of an account: its requests and responses."""
        return self.recorder(token)

    async def dropped_exchanges(self) -> int:
        """Return how many old exchanges have been removed from all journals."""
        return sum(journal.dropped for journal in self._journals.values())

    async def clear_journal(self, token: str) -> None:
        """Remove all requests, responses and violations from the journal of an account."""
        self.recorder(token).clear()

    async def unused(self, since: float, now: float) -> Sequence[str]:
        """Return the tokens of the accounts that have sent no request since `since`.

        `now` is the present time. Both `since` and `now` are Unix seconds of real time. If an account has sent
        a request since the previous call of `unused`, `now` counts as the time of that request.
        """
        used = self._accounts.keys() if self._used is None else self._used
        self._used_at |= dict.fromkeys(used, now)
        self._used = set()
        self._used_at = {token: at for token, at in self._used_at.items() if token in self._accounts}
        return [token for token, at in self._used_at.items() if at < since]

    def close(self) -> None:
        """Do nothing, because this store has no file and no connection."""

    def _store(self, task: Task, change: Change) -> None:
        if not change.replaces:
            self._ids.setdefault(task.account, []).append(task.id)
        self._tasks[task.id] = task
        if change.delivery is not None:
            self.record_now(change.delivery)
        if change.due is not None and (delivery := self._deliveries.get(task.id)) is not None:
            self.record_now(replace(delivery, due=change.due))
