"""The store in memory behaves as plain dictionaries do, whatever is asked of it in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from evolink_mock.domain.accounts import AccountTerms
from evolink_mock.domain.deliveries import Attempt, Delivery, with_attempt
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.stores.memory import MemoryStore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.records.builders import START, a_task, a_timetable
from support.records.callbacks import a_delivery

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken
    from evolink_mock.domain.tasks import Task

T = TypeVar("T")
TERMS = AccountTerms(seed=1, credits=100)
TOKENS = st.sampled_from(("key", "other", "third"))
IDS = st.sampled_from([f"task-unified-1757169743-{number:08}" for number in range(6)])
SECONDS = st.integers(1, 3).map(float)


def result(work: Coroutine[object, object, T]) -> T:
    """What a verb gives. The memory store never waits, so it needs no loop."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("it waits")


def put(store: MemoryStore, task: Task) -> None:
    result(store.change(task.account, lambda _, is_taken: Change(task, replaces=is_taken(task.id))))


class Model(RuleBasedStateMachine):
    """A store beside three dictionaries; an id belongs to one account for ever, as ids do."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore(TERMS)
        self.accounts: dict[str, Account] = {}
        self.tasks: dict[str, Task] = {}
        self.deliveries: dict[str, Delivery] = {}

    def owner(self, task_id: str) -> str:
        return ("key", "other", "third")[int(task_id[-1]) % 3]

    @rule(token=TOKENS)
    def open(self, token: str) -> None:
        account = result(self.store.account(token))
        assert account.token == token
        assert account is self.accounts.setdefault(token, account)

    @rule(task_id=IDS, seconds=SECONDS)
    def put(self, task_id: str, seconds: float) -> None:
        task = a_task(a_timetable(seconds=seconds), id=task_id, account=self.owner(task_id))
        put(self.store, task)
        self.tasks[task_id] = task

    @rule(task_id=IDS, status=st.sampled_from((200, 500)))
    def record(self, task_id: str, status: int) -> None:
        known = result(self.store.delivery(task_id)) or a_delivery(task_id)
        owed = with_attempt(known, Attempt(START, 0.1, status, None))
        self.store.record_now(owed)
        if task_id in self.tasks:
            self.deliveries[task_id] = owed

    @rule(token=TOKENS)
    def drop(self, token: str) -> None:
        result(self.store.drop(token))
        self.accounts.pop(token, None)
        for task_id in [task_id for task_id in self.tasks if self.owner(task_id) == token]:
            del self.tasks[task_id]
            self.deliveries.pop(task_id, None)

    @rule(task_id=IDS)
    def look(self, task_id: str) -> None:
        assert result(self.store.task(task_id)) is self.tasks.get(task_id)
        assert result(self.store.delivery(task_id)) == self.deliveries.get(task_id)

    @invariant()
    def every_account_has_its_tasks_in_their_order(self) -> None:
        for token in ("key", "other", "third"):
            own = [task for task in self.tasks.values() if task.account == token]
            assert list(result(self.store.tasks(token))) == own
            assert list(result(self.store.tasks(token, latest=2))) == own[-2:]


TestStore = Model.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_an_attempt_that_ends_after_a_reset_leaves_nothing_behind() -> None:
    store = MemoryStore(TERMS)
    task = a_task()
    put(store, task)
    result(store.drop(task.account))
    store.record_now(a_delivery(task.id))
    assert result(store.delivery(task.id)) is None


def test_an_account_opened_again_begins_anew() -> None:
    store = MemoryStore(TERMS)

    def spend(account: Account, _: IsTaken) -> Change:
        account.used = 50
        return NO_CHANGE

    result(store.change("key", spend))
    assert result(store.account("key")).used == 50
    result(store.drop("key"))
    assert result(store.account("key")).used == 0


def test_dropping_an_unknown_account_does_nothing() -> None:
    store = MemoryStore(TERMS)
    result(store.drop("nobody"))
    assert list(result(store.tasks("nobody"))) == []
