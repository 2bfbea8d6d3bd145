from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.receiver.ledger import Ledger, LedgerError, file_reader, outcome_of, url_reader

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "task-unified-1795357446-9vkpv6h4", "task-unified-1795357446-aaaaaaaa"
DONE = {"id": ONE, "status": "completed", "results": ["https://example.com/a.mp4"]}


def bookings(content: Any, pattern: str = "") -> dict[str, list[str]]:
    found = Ledger(lambda: content, pattern).bookings()
    assert found is not None
    return {task: [booking.outcome for booking in of_task] for task, of_task in found.items()}


@pytest.mark.parametrize(
    "content",
    [
        f"booked {ONE}\nbooked {TWO} again\nbooked {ONE}\n",
        f"{json.dumps(DONE)}\n{json.dumps(DONE | {'id': TWO})}\n{json.dumps(DONE)}\n".encode(),
        json.dumps([DONE, DONE | {"id": TWO}, DONE]),
        json.dumps({"orders": [DONE, DONE], "others": {"list": [DONE | {"id": TWO}]}}),
        json.dumps({ONE: [{"status": "paid"}, {"status": "paid"}], TWO: {"status": "paid"}}),
        f"id,state\n{ONE},completed\n{ONE},completed\n{TWO},completed\n",
        [[ONE, "completed"], [TWO, "completed"], [ONE, "completed"]],
        [f"done {ONE}", {"task": TWO, "state": "done"}, (ONE, "done", 5)],
    ],
    ids=["lines", "JSON Lines", "list", "object", "by task", "CSV", "rows", "values"],
)
def test_every_entry_that_names_a_task_is_a_booking(content: Any) -> None:
    assert bookings(content) == {ONE: ["success", "success"], TWO: ["success"]}


def test_a_plain_list_of_ids_books_each() -> None:
    assert bookings(json.dumps([ONE, TWO])) == {ONE: ["unclear"], TWO: ["unclear"]}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('{"status": "completed", "error": null}', "success"),
        ('{"results": ["https://a/b.mp4"], "error": null}', "success"),
        ('{"status": "failed", "results": []}', "failure"),
        ("refunded", "failure"),
        ("status=ok code=unknown_error", "success"),
        ('{"credits": 5}', "unclear"),
        ('{"event": "callback", "status": "ignored"}', None),
        ("duplicate, not booked", None),
        ('{"status": "rejected", "reason": "not completed"}', None),
    ],
)
def test_the_outcome_of_an_entry_follows_from_its_status_or_its_words(text: str, outcome: str | None) -> None:
    assert outcome_of(text) == outcome


def test_a_pattern_decides_alone_which_entries_are_bookings() -> None:
    content = f"gutgeschrieben {ONE}\nabgelehnt {TWO}\n"
    assert bookings(content, "gutgeschrieben") == {ONE: ["success"]}


def test_a_database_is_read_with_its_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "booked.sqlite"
    read = file_reader(path)
    assert Ledger(read).bookings() == {}, "it does not exist yet"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute('CREATE TABLE "my orders" (task TEXT, state TEXT)')
        database.executemany('INSERT INTO "my orders" VALUES (?, ?)', [(ONE, "paid"), (TWO, "failed")])
        database.commit()
        assert bookings(read()) == {ONE: ["success"], TWO: ["failure"]}


def test_a_ledger_that_is_none_after_all_says_so() -> None:
    assert Ledger(lambda: None).bookings() is None


def test_a_ledger_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        file_reader(tmp_path)()
    with pytest.raises(LedgerError, match="cannot be read"):
        url_reader("http://127.0.0.1:1/ledger")()
