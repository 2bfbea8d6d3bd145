"""A file that cannot be used, and a journal that is written in batches."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.exchange import JOURNAL, VIOLATIONS, Exchange
from evolink_mock.domain.store import Change, StoreError
from evolink_mock.stores.sqlite.store import SqliteStore
from support.builders import START, a_task
from support.in_process import BODY, CREATE, playing
from support.stores import WALL, Wall, a_store, create, result

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import IsTaken


def an_exchange(number: int, **changes: object) -> Exchange:
    values: dict[str, object] = {"at": START + number, "status": 200}
    return Exchange("GET", "/v1/credits", 0.0, **values | changes)  # type: ignore[arg-type]


def test_the_database_of_another_program_and_a_newer_one_are_refused_and_stay_as_they_are(
    tmp_path: Path,
) -> None:
    foreign, newer = tmp_path / "foreign.db", tmp_path / "newer.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE other (a)")
    a_store(newer).close()
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    for path, reason in ((foreign, "of another program"), (newer, "version 99")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=reason):
            a_store(path)
        assert path.read_bytes() == before


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    for place in ("missing/mock.db", "text.db"):
        with pytest.raises(StoreError, match=place):
            a_store(tmp_path / place)


def test_a_store_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    a_store(tmp_path / "mock.db").close()
    assert (tmp_path / "mock.db").stat().st_mode & 0o777 == 0o600


def test_everything_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    store = a_store(tmp_path / "mock.db")
    create(store, url="https://hooks.example/a")
    store.recorder("key").append(an_exchange(1))
    store.close()
    again = a_store(tmp_path / "mock.db")
    assert result(again.account("key")).used == 5
    assert [task.id for task in result(again.tasks("key"))] == [a_task().id]
    assert len(result(again.deliveries("key"))) == len(result(again.journal("key"))) == 1
    again.close()


def test_a_step_that_fails_stores_nothing(tmp_path: Path) -> None:
    store = a_store(tmp_path / "mock.db")

    def step(account: Account, _: IsTaken) -> Change:
        account.used = 50
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        result(store.change("key", step))
    assert result(store.account("key")).used == 0
    store.close()


def test_a_full_disk_is_answered_with_503_and_stores_nothing_and_all_comes_back(tmp_path: Path) -> None:
    with playing(store=f"sqlite:{tmp_path / 'mock.db'}") as mock:
        mock.create()
        store = mock.service.store
        assert isinstance(store, SqliteStore)
        pages = store.connection.fetch_one("PRAGMA page_count")[0]
        store.connection.fetch_one(f"PRAGMA max_page_count = {pages}")
        long = BODY | {"prompt": "x" * 1000, "callback_url": f"https://example.com/{'y' * 1500}"}
        answers = [
            mock.run(mock.client.post(CREATE, json=long, headers={"authorization": "Bearer key"}))
            for _ in range(20)
        ]
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "service_unavailable"
        assert "database or disk is full" in mock.logged()
        assert mock.run(mock.client.get("/__mock__/ready")).status_code == 503
        stored = 1 + sum(answer.status_code == 200 for answer in answers)
        assert len(result(store.tasks("key"))) == result(store.account("key")).task_count == stored
        store.connection.fetch_one("PRAGMA max_page_count = 100000")
        mock.create()
        assert mock.run(mock.client.get("/__mock__/ready")).status_code == 200


def test_a_journal_keeps_the_last_exchanges_and_counts_the_others(tmp_path: Path) -> None:
    store, twin = a_store(tmp_path / "mock.db"), a_store(tmp_path / "mock.db")
    result(store.account("key"))
    for number in range(JOURNAL + 60):
        store.recorder("key").append(an_exchange(number))
        if number % 25 == 0:
            store.journals.buffers.flush()
    store.journals.buffers.flush()
    journal = result(twin.journal("key"))
    assert [exchange.at for exchange in journal] == [START + number for number in range(60, JOURNAL + 60)]
    assert journal.dropped == 60
    assert twin.connection.fetch_one("SELECT count(*) FROM exchanges")[0] < JOURNAL + 60
    store.close()
    twin.close()


def test_violations_outlive_their_exchanges_and_are_bounded_too(tmp_path: Path) -> None:
    store = a_store(tmp_path / "mock.db")
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


def test_accounts_that_nobody_uses_are_known(tmp_path: Path) -> None:
    wall = Wall()
    store = a_store(tmp_path / "mock.db", wall)
    create(store, "old")
    wall.now += 100
    create(store, "new", id="task-unified-1757169743-00000001")
    assert result(store.unused(WALL + 50, wall.now)) == ["old"]
    store.close()
