"""A store in a file or on a server behaves as the one in memory does, whichever of two processes uses it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.exchange import Exchange
from evolink_mock.domain.retry_schedule import conclude
from evolink_mock.domain.store import NO_CHANGE, AccountState, Change
from evolink_mock.stores.memory import MemoryStore
from evolink_spec.models import CallbackRules
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from support.mocks.redis_server import needs_second_server, needs_server
from support.mocks.stores import TERMS, create, open_store, place, result
from support.records.builders import FAILURE, START, a_timetable

if TYPE_CHECKING:
    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken, Store

TOKENS = st.sampled_from(("key", "other"))
IDS = st.sampled_from([f"task-unified-1757169743-{number:08}" for number in range(6)])
HANDLES = st.sampled_from((0, 1))
RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))
LATE = START + 1000


class Model(RuleBasedStateMachine):
    """Two handles of one store, beside a store in memory. Every call goes to one handle and to the memory."""

    kind: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.place = place(self.kind, self.folder)
        self.handles = [open_store(self.place) for _ in range(2)]
        self.memory = MemoryStore(TERMS)

    def teardown(self) -> None:
        for handle in self.handles:
            handle.close()
        shutil.rmtree(self.folder)

    @rule(handle=HANDLES, token=TOKENS, task_id=IDS, called=st.booleans(), fails=st.booleans())
    def create(self, handle: int, token: str, task_id: str, *, called: bool, fails: bool) -> None:
        timetable = a_timetable()
        if fails:
            timetable = replace(timetable, outcome=replace(timetable.outcome, failure=FAILURE))
        url = "https://hooks.example/a" if called else None
        made = [
            create(store, token, url, 30, id=task_id, timetable=timetable)
            for store in (self.handles[handle], self.memory)
        ]
        assert made[0] == made[1]

    @rule(handle=HANDLES, token=TOKENS, frozen=st.booleans())
    def move_time(self, handle: int, token: str, *, frozen: bool) -> None:
        def step(account: Account, _: IsTaken) -> Change:
            account.frozen_at = START if frozen else None
            return NO_CHANGE

        for store in (self.handles[handle], self.memory):
            result(store.change(token, step))

    @rule(handle=HANDLES, status=st.sampled_from((200, 500)))
    def attempt(self, handle: int, status: int) -> None:
        """One handle leases and attempts all that is due, and the other one gets none of it."""
        leases = self.handles[handle].leases
        claims = result(leases.claim(LATE, 100, lambda *_: True))
        assert result(self.handles[1 - handle].leases.claim(LATE, 100, lambda *_: True)) == ()
        for claim in claims:
            assert claim.account.frozen_at is None
            assert claim.delivery == result(self.memory.delivery(claim.delivery.task_id))
            after = conclude(claim.delivery, Attempt(LATE, 0.1, status, None), RULES, LATE)
            assert result(leases.begin(claim.delivery))
            assert result(leases.conclude(claim.account.token, claim.delivery, after))
            assert not result(leases.conclude(claim.account.token, claim.delivery, after))
            self.memory.record_now(after)

    @rule(handle=HANDLES, token=TOKENS, status=st.sampled_from((200, 400)))
    def ask(self, handle: int, token: str, status: int) -> None:
        for store in (self.handles[handle], self.memory):
            result(store.account(token))
            notes = ("prompt: is required",) if status == 400 else ()
            store.recorder(token).append(Exchange("GET", "/v1/credits", 0.0, status, notes=notes, at=START))
        self.handles[handle].journals.buffers.flush()

    @rule(handle=HANDLES, token=TOKENS)
    def forget_the_journal(self, handle: int, token: str) -> None:
        for store in (self.handles[handle], self.memory):
            result(store.account(token))
            result(store.clear_journal(token))

    @rule(handle=HANDLES, token=TOKENS)
    def drop(self, handle: int, token: str) -> None:
        for store in (self.handles[handle], self.memory):
            result(store.drop(token))

    @rule(handle=HANDLES, token=TOKENS)
    def restore(self, handle: int, token: str) -> None:
        for store in (self.handles[handle], self.memory):
            result(store.restore(state_of(store, token)))

    @invariant()
    def both_handles_show_what_the_memory_has(self) -> None:
        tokens = sorted(account.token for account in result(self.memory.accounts()))
        for handle in self.handles:
            assert sorted(account.token for account in result(handle.accounts())) == tokens
            for token in tokens:
                assert_same(state_of(handle, token), state_of(self.memory, token))
                latest = result(self.memory.tasks(token, latest=2))
                assert result(handle.tasks(token, latest=2)) == latest
                assert result(handle.next_due(token)) == result(self.memory.next_due(token))


def state_of(store: Store, token: str) -> AccountState:
    return AccountState(
        result(store.account(token)),
        result(store.tasks(token)),
        result(store.deliveries(token)),
        result(store.journal(token)),
    )


def assert_same(state: AccountState, expected: AccountState) -> None:
    assert state.account == expected.account
    assert state.tasks == expected.tasks
    assert state.deliveries == expected.deliveries
    assert [(item.at, item.status) for item in state.journal] == [
        (item.at, item.status) for item in expected.journal
    ]
    assert state.journal.violations == expected.journal.violations
    assert (state.journal.dropped, state.journal.dropped_violations) == (0, 0)


class File(Model):
    kind = "sqlite"


class Server(Model):
    kind = "redis"


class SecondServer(Model):
    kind = "second server"


TestFile = File.TestCase
TestServer = needs_server(Server.TestCase)
TestSecondServer = needs_second_server(SecondServer.TestCase)
TestFile.settings = TestServer.settings = TestSecondServer.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None
)
