"""The journals of all accounts together are bounded, and an idle account needs little memory."""

from __future__ import annotations

import pytest
from evolink_mock.domain.exchange import JOURNAL, JOURNAL_BYTES, Exchange, Journal, JournalSpace, size_of


def an_exchange(path: str = "/v1/credits", status: int = 200, body: int = 1000) -> Exchange:
    return Exchange("GET", path, 0.0, status, request_body=bytes(body))


def fill(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append(an_exchange(f"/{number}"))


def test_above_the_limit_of_all_journals_the_longest_idle_account_loses_its_exchanges() -> None:
    space = JournalSpace(limit=size_of(an_exchange("/1")) * 10)
    first, second, third = (Journal(name, space) for name in ("first", "second", "third"))
    fill(first, 4)
    fill(second, 4)
    fill(first, 1)
    fill(third, 4)
    assert [len(journal) for journal in (first, second, third)] == [5, 0, 4]
    assert second.dropped == 4


def test_violations_stay_when_exchanges_are_dropped() -> None:
    space = JournalSpace(limit=5000)
    first, second = Journal("first", space), Journal("second", space)
    first.append(Exchange("POST", "/", 0.0, 400, notes=("duration: 7 is not one of 6, 10",)))
    fill(second, 3)
    assert len(first) == 0
    assert [violation.text for violation in first.violations] == ["duration: 7 is not one of 6, 10"]


def test_what_is_cleared_or_replaced_makes_room_again() -> None:
    space = JournalSpace(limit=size_of(an_exchange("/100")) * (JOURNAL + 20))
    busy, other = Journal("busy", space), Journal("other", space)
    fill(busy, 5 * JOURNAL)
    busy.clear()
    fill(busy, 5 * JOURNAL)
    fill(other, 10)
    assert (len(busy), len(other)) == (JOURNAL, 10)


def test_a_full_journal_that_is_used_is_not_idle() -> None:
    space = JournalSpace(limit=size_of(an_exchange()) * (JOURNAL + 20))
    full, idle, third = (Journal(name, space) for name in ("full", "idle", "third"))
    for journal, count in ((full, JOURNAL), (idle, 15), (full, 1), (third, 10)):
        for _ in range(count):
            journal.append(an_exchange())
    assert [len(journal) for journal in (full, idle, third)] == [JOURNAL, 0, 10]


def test_a_journal_that_leaves_makes_room() -> None:
    space = JournalSpace(limit=size_of(an_exchange("/1")) * 10)
    first, second, third = (Journal(name, space) for name in ("first", "second", "third"))
    fill(first, 6)
    first.move_to(None)
    fill(second, 5)
    first.move_to(space)
    assert [len(journal) for journal in (first, second)] == [6, 0]
    fill(third, 4)
    assert [len(journal) for journal in (first, third)] == [6, 4]


def test_an_account_alone_keeps_what_it_may_keep() -> None:
    journal = Journal("large", JournalSpace(limit=1))
    for _ in range(3):
        journal.append(an_exchange(body=JOURNAL_BYTES // 2))
    assert len(journal) == 1
    assert journal.dropped == 2


@pytest.mark.parametrize("status", [200, 400])
def test_a_journal_without_a_limit_for_all_is_bounded_in_number(status: int) -> None:
    journal = Journal()
    for _ in range(JOURNAL + 7):
        journal.append(an_exchange(status=status))
    assert (len(journal), journal.dropped) == (JOURNAL, 7)
