"""An account with many tasks is stored and dropped in parts, so that no call blocks the server for long."""

from __future__ import annotations

import asyncio

import pytest
from evolink_mock.domain.exchange import Journal
from evolink_mock.domain.store import AccountState
from evolink_mock.stores.redis import store as redis_store
from evolink_mock.stores.redis.store import RedisStore
from support.mocks.redis_server import needs_server, new_place
from support.mocks.stores import create, open_store, result

pytestmark = needs_server
IDS = [f"task-unified-1757169743-{number:08}" for number in range(7)]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "_AT_ONCE", 2)


def a_full_store() -> RedisStore:
    store = open_store(new_place())
    assert isinstance(store, RedisStore)
    for number, task_id in enumerate(IDS):
        assert create(store, url="https://hooks.example/a" if number % 3 else None, id=task_id)
    return store


def state_of(store: RedisStore) -> AccountState:
    account, tasks = result(store.account("key")), result(store.tasks("key"))
    return AccountState(account, tasks, result(store.deliveries("key")), Journal(account.label))


def test_what_is_restored_in_parts_is_what_was_there() -> None:
    store = a_full_store()
    state = state_of(store)
    asyncio.run(store.restore(state))
    assert state_of(store).tasks == state.tasks
    assert state_of(store).deliveries == state.deliveries
    assert len(result(store.leases.claim(1e12, 100, lambda *_: True))) == len(state.deliveries) == 4
    store.close()


def test_what_is_dropped_in_parts_leaves_nothing_behind() -> None:
    store = a_full_store()
    result(store.leases.claim(1e12, 100, lambda *_: True))
    asyncio.run(store.drop("key"))
    prefix = store.connection.key("")
    keys = {key.removeprefix(prefix) for key in store.connection.call("KEYS", prefix + b"*")}
    assert keys == {b"facts", b"number", b"version"}
    store.close()


def test_a_task_of_another_account_in_a_later_part_leaves_nothing_of_the_account() -> None:
    store = a_full_store()
    state = state_of(store)
    asyncio.run(store.drop("key"))
    assert create(store, "other", id=IDS[-1])
    with pytest.raises(ValueError, match="another account has the same id"):
        asyncio.run(store.restore(state))
    assert [account.token for account in result(store.accounts())] == ["other"]
    assert result(store.task(IDS[0])) is None
    store.close()
