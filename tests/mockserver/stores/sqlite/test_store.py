"""A file that cannot be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.store import StoreError
from evolink_mock.stores.sqlite.store import SqliteStore
from support.mocks.in_process import BODY, CREATE, playing
from support.mocks.stores import a_store, create, result
from support.records.builders import a_task

if TYPE_CHECKING:
    from pathlib import Path


def test_the_database_of_another_program_and_a_newer_one_are_refused_and_stay_as_they_are(
    tmp_path: Path,
) -> None:
    foreign, newer = tmp_path / "foreign.db", tmp_path / "newer.db"
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE other (a)")
    a_store(newer).close()
    with closing(sqlite3.connect(newer)) as database:
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


@pytest.mark.parametrize(
    ("spoil", "reason", "repair"),
    [
        ("PRAGMA max_page_count = {pages}", "database or disk is full", "PRAGMA max_page_count = 100000"),
        ("PRAGMA query_only = ON", "attempt to write a readonly database", "PRAGMA query_only = OFF"),
    ],
    ids=["full", "read-only"],
)
def test_a_full_or_read_only_disk_is_answered_with_503_and_stores_nothing_and_all_comes_back(
    spoil: str, reason: str, repair: str, tmp_path: Path
) -> None:
    with playing(store=f"sqlite:{tmp_path / 'mock.db'}") as mock:
        task = mock.create()
        store = mock.service.store
        assert isinstance(store, SqliteStore)
        pages = store.connection.fetch_one("PRAGMA page_count")[0]
        store.connection.fetch_one(spoil.format(pages=pages))
        long = BODY | {"prompt": "x" * 1000, "callback_url": f"https://example.com/{'y' * 1500}"}
        answers = [
            mock.run(mock.client.post(CREATE, json=long, headers={"authorization": "Bearer key"}))
            for _ in range(20)
        ]
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "service_unavailable"
        assert reason in mock.logged()
        assert mock.run(mock.client.get("/__mock__/ready")).status_code == 503
        assert mock.query(task)["id"] == task["id"]
        stored = 1 + sum(answer.status_code == 200 for answer in answers)
        assert len(result(store.tasks("key"))) == result(store.account("key")).task_count == stored
        assert len(result(store.deliveries("key"))) == stored - 1
        store.connection.fetch_one(repair)
        mock.create()
        assert mock.run(mock.client.get("/__mock__/ready")).status_code == 200


def test_a_query_reads_the_task_again_only_after_a_write_of_any_process(tmp_path: Path) -> None:
    store, twin = a_store(tmp_path / "mock.db"), a_store(tmp_path / "mock.db")
    statements: list[str] = []
    store.connection._database.set_trace_callback(statements.append)  # noqa: SLF001

    def reads() -> int:
        statements.clear()
        account, task = store.find_now("key", a_task().id)
        assert (account.used, task) == (twin.account_now("key").used, result(twin.task(a_task().id)))
        return sum(statement.startswith("SELECT") for statement in statements)

    create(twin)
    assert [reads(), reads()] == [1, 0]
    create(twin, id="task-unified-1757169743-00000001")
    assert [reads(), reads()] == [1, 0]
    create(store, id="task-unified-1757169743-00000002")
    assert [reads(), reads()] == [1, 0]
    result(twin.drop("key"))
    assert store.find_now("key", a_task().id)[1] is None
    store.close()
    twin.close()
