"""What every store outside the process keeps: everything, also when it is opened again, and the last exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.exchange import JOURNAL, JOURNAL_BYTES, KEPT, VIOLATIONS, Exchange
from evolink_mock.domain.store import Change
from support.mocks.redis_server import SHARED_STORES
from support.mocks.stores import WALL, Wall, create, open_store, place, result
from support.records.builders import START, a_task

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken


@pytest.fixture(params=SHARED_STORES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return place(request.param, tmp_path)


def an_exchange(number: int, **changes: object) -> Exchange:
    values: dict[str, object] = {"at": START + number, "status": 200}
    return Exchange("GET", "/v1/credits", 0.0, **values | changes)  # type: ignore[arg-type]


def test_everything_is_there_when_the_file_is_opened_again(where: str) -> None:
    store = open_store(where)
    create(store, url="https://hooks.example/a")
    store.recorder("key").append(an_exchange(1))
    store.close()
    again = open_store(where)
    assert result(again.account("key")).used == 5
    assert [task.id for task in result(again.tasks("key"))] == [a_task().id]
    assert len(result(again.deliveries("key"))) == len(result(again.journal("key"))) == 1
    again.close()


def test_a_step_that_fails_stores_nothing(where: str) -> None:
    store = open_store(where)

    def step(account: Account, _: IsTaken) -> Change:
        account.used = 50
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        result(store.change("key", step))
    assert result(store.account("key")).used == 0
    store.close()


def test_a_journal_keeps_the_last_exchanges_and_counts_the_others(where: str) -> None:
    store, twin = open_store(where), open_store(where)
    result(store.account("key"))
    for number in range(JOURNAL + 60):
        store.recorder("key").append(an_exchange(number))
        if number % 25 == 0:
            store.journals.buffers.flush()
    store.journals.buffers.flush()
    journal = result(twin.journal("key"))
    assert [exchange.at for exchange in journal] == [START + number for number in range(60, JOURNAL + 60)]
    assert journal.dropped == 60
    assert result(twin.dropped_exchanges()) == 60
    store.close()
    twin.close()


def test_violations_outlive_their_exchanges_and_are_bounded_too(where: str) -> None:
    store = open_store(where)
    result(store.account("key"))
    for number in range(VIOLATIONS + 5):
        store.recorder("key").append(an_exchange(number, status=400, notes=(f"note {number}",)))
    journal = result(store.journal("key"))
    assert [journal.violations[0].text, journal.violations[-1].text] == ["note 5", f"note {VIOLATIONS + 4}"]
    assert (len(journal), journal.dropped, journal.dropped_violations) == (
        JOURNAL,
        VIOLATIONS + 5 - JOURNAL,
        5,
    )
    store.close()


def test_accounts_that_nobody_uses_are_known(where: str) -> None:
    wall = Wall()
    store = open_store(where, wall)
    create(store, "old")
    wall.now += 100
    create(store, "new", id="task-unified-1757169743-00000001")
    assert result(store.unused(WALL + 50, wall.now)) == ["old"]
    store.close()


def test_a_journal_is_limited_in_bytes_too(where: str) -> None:
    store = open_store(where)
    result(store.account("key"))
    for number in range(JOURNAL):
        store.recorder("key").append(an_exchange(number, request_body=b"x" * KEPT))
    journal = result(store.journal("key"))
    assert 0 < len(journal) <= JOURNAL_BYTES / KEPT
    assert len(journal) + journal.dropped == JOURNAL
    assert [*journal][-1].at == START + JOURNAL - 1
    store.close()


def test_a_change_is_decided_again_if_another_process_has_changed_the_account(where: str) -> None:
    store, twin = open_store(where), open_store(where)
    create(store, price=5)
    create(twin, price=5, id="task-unified-1757169743-00000001")
    seen: list[float] = []

    def step(account: Account, _: IsTaken) -> Change:
        seen.append(account.used)
        return Change()

    result(store.change("key", step))
    assert seen[-1] == 10
    store.close()
    twin.close()


def test_a_step_that_fails_with_an_outdated_account_is_decided_again(where: str) -> None:
    store, twin = open_store(where), open_store(where)
    create(store, price=5)
    create(twin, price=5, id="task-unified-1757169743-00000001")

    def step(account: Account, _: IsTaken) -> Change:
        if account.used < 10:
            raise ZeroDivisionError
        account.used = 50
        return Change()

    result(store.change("key", step))
    assert result(twin.account("key")).used == 50
    store.close()
    twin.close()


def test_what_another_process_writes_is_noticed_and_what_this_one_writes_is_not(where: str) -> None:
    store, twin = open_store(where), open_store(where)
    result(store.has_changed())
    create(store)
    assert not result(store.has_changed())
    create(twin, id="task-unified-1757169743-00000001")
    assert result(store.has_changed())
    assert not result(store.has_changed())
    store.close()
    twin.close()
