"""Credits that always add up, and a rate window that lets in again whom it told to wait."""

from __future__ import annotations

from math import inf

import msgspec
from evolink_mock.domain import ids
from evolink_mock.domain.accounts import (
    Account,
    AccountTerms,
    AssignedRecipe,
    charge,
    count_request,
    open_account,
    remaining,
    rounded,
)
from evolink_mock.domain.tasks import SUCCESS, Outcome, Timetable
from evolink_mock.domain.units import Rate
from hypothesis import assume, given
from hypothesis import strategies as st
from support.records.builders import FAILURE, START, a_task, a_timetable, an_account

FAILED = Outcome(FAILURE)
PlainAccount = msgspec.defstruct(
    "PlainAccount",
    [
        ("token", str), ("label", str), ("first_random", int), ("granted", float), ("rate", Rate | None),
        ("denied_models", frozenset[str]), ("used", float), ("task_count", int),
        ("refunds", list[tuple[float, float]]), ("window_start", float), ("window_count", int),
        ("latest_end", float), ("frozen_at", float | None), ("shift", float), ("mover", str),
        ("assigned", list[AssignedRecipe] | None), ("turns", dict[str, int] | None), ("applied", set[str] | None),
        ("random_draws", int),
    ],
)  # fmt: skip
TENTHS = st.integers(0, 1000)
TOKENS = st.binary(min_size=1).map(lambda token: token.decode("latin-1"))
RATES = st.tuples(st.integers(1, 4), st.sampled_from((1.0, 60.0, 3600.0))).map(lambda both: Rate(*both))
STEPS = st.lists(st.floats(0, 40), min_size=1, max_size=40)


def times(start: float, steps: list[float]) -> list[float]:
    return [start + sum(steps[:count]) for count in range(len(steps))]


def test_a_new_account_has_the_credits_of_its_terms() -> None:
    account = open_account("key", AccountTerms(7, 12.5, Rate(1, 60.0), frozenset({"model"})))
    assert remaining(account, START) == 12.5
    assert (account.used, account.task_count, account.first_random) == (0, 0, ids.first_random(7, "key"))
    assert (account.rate, account.denied_models) == (Rate(1, 60.0), frozenset({"model"}))


def test_a_create_reserves_its_price_and_is_counted() -> None:
    account = an_account(granted=100)
    charge(account, a_task(), 5)
    assert (remaining(account, START), account.used, account.task_count) == (95, 5, 1)


def test_whole_credits_stay_whole_numbers() -> None:
    account = an_account(granted=100)
    charge(account, a_task(a_timetable(outcome=FAILED)), 5)
    assert isinstance(remaining(account, START), int)
    assert isinstance(remaining(account, START + 10), int)


def test_a_task_that_completes_is_paid_for_for_ever() -> None:
    account = an_account(granted=100)
    charge(account, a_task(), 5)
    assert remaining(account, START + 1e9) == 95


def test_a_failure_returns_its_credits_at_its_end_and_not_before() -> None:
    account = an_account(granted=100)
    charge(account, a_task(a_timetable(seconds=10.0, outcome=FAILED)), 5)
    assert remaining(account, START + 9.999) == 95
    assert remaining(account, START + 10) == 100
    assert remaining(account, START + 1e9) == 100


def test_the_first_failure_to_end_returns_its_credits_first() -> None:
    account = an_account(granted=100)
    charge(account, a_task(a_timetable(seconds=20.0, outcome=FAILED)), 7)
    charge(account, a_task(a_timetable(seconds=10.0, outcome=FAILED)), 5)
    assert [remaining(account, START + seconds) for seconds in (9, 10, 19, 20)] == [88, 93, 93, 100]


def test_a_task_that_never_ends_returns_no_credits() -> None:
    account = an_account(granted=100)
    charge(account, a_task(Timetable(START, START, inf, 5, FAILED)), 5)
    assert remaining(account, 1e18) == 95


def test_thirty_cents_pay_for_three_tasks_of_ten() -> None:
    account = an_account(granted=0.3)
    for _ in range(2):
        charge(account, a_task(), 0.1)
    assert remaining(account, START) >= 0.1


@given(
    TENTHS, st.lists(st.tuples(TENTHS, st.booleans(), st.integers(1, 50), st.integers(0, 20)), max_size=30)
)
def test_credits_add_up_whatever_is_created_and_whenever_they_are_read(
    granted: int, creates: list[tuple[int, bool, int, int]]
) -> None:
    account = an_account(granted=granted / 10)
    made: list[tuple[float, int]] = []  # when it is no longer paid for, and its price in tenths
    now = START
    for price, fails, seconds, wait in creates:
        timetable = a_timetable(now, float(seconds), FAILED if fails else SUCCESS)
        charge(account, a_task(timetable), price / 10)
        made.append((timetable.ends if fails else inf, price))
        now += wait
        used = sum(price for ends, price in made if ends > now)
        assert remaining(account, now) == (granted - used) / 10
        assert account.used == used / 10
    assert account.task_count == len(creates)


@given(TOKENS)
def test_the_label_of_an_account_does_not_hold_its_token(token: str) -> None:
    label = an_account(token).label
    assert len(label) == 6
    assert label == an_account(token).label
    assume(len(token) > 2)
    assert token not in label


def test_other_tokens_have_other_labels() -> None:
    assert len({an_account(f"key-{number}").label for number in range(100)}) == 100


def test_without_a_rate_limit_no_request_waits() -> None:
    account = an_account()
    assert all(count_request(account, START) is None for _ in range(1000))


def let_in(account: Account, now: float) -> bool:
    return count_request(account, now) is None


@given(RATES, st.floats(0, 2e9))
def test_one_too_many_waits_exactly_until_the_next_window(rate: Rate, now: float) -> None:
    account = an_account(rate=rate)
    assert all(let_in(account, now) for _ in range(rate.limit))
    wait = count_request(account, now)
    assert wait is not None
    assert 0 < wait <= rate.seconds
    assert (now + wait) % rate.seconds == 0
    assert let_in(account, now + wait)


@given(RATES, STEPS)
def test_a_window_admits_its_limit_and_no_more(rate: Rate, steps: list[float]) -> None:
    account = an_account(rate=rate)
    seen: dict[float, int] = {}
    for now in times(START, steps):
        window = now // rate.seconds
        seen[window] = seen.get(window, 0) + 1
        assert let_in(account, now) is (seen[window] <= rate.limit)


def test_an_account_is_plain_data() -> None:
    account = an_account(rate=Rate(2, 60.0), denied="model")
    charge(account, a_task(a_timetable(outcome=FAILED)), 5)
    count_request(account, START)
    account.assigned = [AssignedRecipe("429*2, ok", "create", 3, 1)]
    account.turns, account.applied = {"create 429*2, ok": 1}, {"0 credits=3"}
    plain = msgspec.structs.asdict(account)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(plain))
    assert msgspec.convert(stored, PlainAccount) == msgspec.convert(plain, PlainAccount)
    assert set(PlainAccount.__struct_fields__) == set(plain)


def test_a_refused_request_does_not_prolong_the_wait() -> None:
    account = an_account(rate=Rate(1, 60.0))
    waits = [count_request(account, 120.0 + second) for second in range(4)]
    assert waits == [None, 59, 58, 57]


@given(granted=st.integers(0, 10**9), price=st.integers(0, 10**6), now=st.floats(0, 40))
def test_whole_credits_are_integers_before_and_after_storing(granted: int, price: int, now: float) -> None:
    account = open_account("key", AccountTerms(0, float(granted)))
    charge(account, a_task(timetable=a_timetable()), float(price))
    stored = msgspec.json.decode(msgspec.json.encode(account), type=Account)
    for left in (remaining(account, START + now), remaining(stored, START + now), account.used, stored.used):
        assert isinstance(left, int)


@given(st.floats(-1e300, 1e300))
def test_rounding_changes_credits_by_half_a_millionth_at_most(number: float) -> None:
    assert abs(rounded(number) - number) <= max(5.1e-7, abs(number) * 1e-15)
