"""Which process attempts a delivery, and what becomes of the deliveries of one that was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.retry_schedule import conclude
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.stores.sqlite.leases import ALIVE_SECONDS
from evolink_spec.models import CallbackRules
from support.mocks.redis_server import SHARED_STORES
from support.mocks.stores import Wall, create, open_store, place, result
from support.records.builders import START, a_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.store import Claim, IsTaken
    from evolink_mock.stores.redis.store import RedisStore
    from evolink_mock.stores.sqlite.store import SqliteStore

    Shared = SqliteStore | RedisStore

ENDS = a_task().timetable.ends
RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))
URL = "https://hooks.example/a"


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture(params=SHARED_STORES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return place(request.param, tmp_path)


@pytest.fixture
def one(where: str, wall: Wall) -> Iterator[Shared]:
    store = open_store(where, wall)
    create(store, url=URL)
    yield store
    store.close()


@pytest.fixture
def other(one: Shared, where: str, wall: Wall) -> Iterator[Shared]:
    assert one
    store = open_store(where, wall)
    yield store
    store.close()


def claims(store: Shared, now: float = ENDS) -> list[Claim]:
    return [*result(store.leases.claim(now, 100, lambda *_: True))]


def freeze(store: Shared, instant: float | None) -> None:
    def step(account: Account, _: IsTaken) -> Change:
        account.frozen_at = instant
        return NO_CHANGE

    result(store.change("key", step))


def test_a_delivery_is_leased_once_it_is_due_and_by_one_process(one: Shared, other: Shared) -> None:
    assert result(one.leases.next_wake()) == ENDS
    assert claims(one, ENDS - 0.1) == []
    assert [claim.interruptions for claim in claims(one)] == [0]
    assert claims(other) == []
    assert result(other.leases.next_wake()) is None
    assert result(other.leases.is_attempting("key"))


def test_a_retry_is_due_by_the_clock_of_the_account_and_any_process_may_make_it(
    one: Shared, other: Shared
) -> None:
    (claim,) = claims(one)
    after = conclude(claim.delivery, Attempt(ENDS, 0.1, 500, None), RULES, ENDS)
    assert result(one.leases.begin(claim.delivery))
    assert result(one.leases.conclude("key", claim.delivery, after))
    assert claims(other, ENDS + 0.9) == []
    assert [claim.delivery for claim in claims(other, ENDS + 1)] == [after]


def test_an_attempt_of_a_killed_process_is_made_again_and_is_known_to_be_a_repetition(
    one: Shared, other: Shared, wall: Wall
) -> None:
    result(one.leases.renew())
    (claim,) = claims(one)
    assert result(one.leases.begin(claim.delivery))
    wall.now += ALIVE_SECONDS - 1
    result(other.leases.renew())
    assert claims(other) == []
    assert result(other.leases.is_alive(one.worker))
    wall.now += 2
    result(other.leases.renew())
    assert not result(other.leases.is_alive(one.worker))
    assert [claim.interruptions for claim in claims(other)] == [1]


def test_a_process_that_was_taken_for_dead_records_nothing_more(
    one: Shared, other: Shared, wall: Wall
) -> None:
    result(one.leases.renew())
    (claim,) = claims(one)
    wall.now += ALIVE_SECONDS + 1
    result(other.leases.renew())
    after = conclude(claim.delivery, Attempt(ENDS, 0.1, 200, None), RULES, ENDS)
    assert not result(one.leases.begin(claim.delivery))
    assert not result(one.leases.conclude("key", claim.delivery, after))
    assert result(one.delivery(claim.delivery.task_id)) == claim.delivery


def test_a_lease_that_is_given_up_without_an_attempt_is_no_repetition(one: Shared, other: Shared) -> None:
    claims(one)
    result(one.leases.end())
    assert [claim.interruptions for claim in claims(other)] == [0]


def test_while_time_is_frozen_only_the_one_who_moves_it_gets_a_delivery(one: Shared) -> None:
    freeze(one, START)
    assert claims(one, ENDS + 100) == []
    assert result(one.leases.claim_frozen("key")) == ()
    freeze(one, ENDS)
    assert claims(one, ENDS + 100) == []
    assert len(result(one.leases.claim_frozen("key"))) == 1


def test_what_a_killed_process_had_leased_of_a_frozen_account_is_attempted_by_another(
    one: Shared, other: Shared, wall: Wall
) -> None:
    result(one.leases.renew())
    freeze(one, ENDS)
    result(one.leases.claim_frozen("key"))
    wall.now += ALIVE_SECONDS + 1
    result(other.leases.renew())
    assert len(claims(other)) == 1


def test_time_that_runs_again_moves_the_deliveries(one: Shared) -> None:
    freeze(one, START)

    def resume(account: Account, _: IsTaken) -> Change:
        account.frozen_at, account.shift = None, 100.0
        return NO_CHANGE

    result(one.change("key", resume))
    assert result(one.leases.next_wake()) == ENDS - 100


def test_a_new_delivery_with_the_id_of_a_dropped_one_is_not_the_old_one(one: Shared) -> None:
    (claim,) = claims(one)
    result(one.drop("key"))
    create(one, url="https://hooks.example/new")
    claims(one)
    after = conclude(claim.delivery, Attempt(ENDS, 0.1, 200, None), RULES, ENDS)
    assert not result(one.leases.conclude("key", claim.delivery, after))
