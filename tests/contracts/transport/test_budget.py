from __future__ import annotations

from evolink_check.transport.budget import DEFAULT_PRICE, Budget, documented_price, price_in
from hypothesis import given
from hypothesis import strategies as st
from support.records.trace_builders import SPEC

MOVES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from((0.0, 0.5, 1.0, None))), max_size=60
)


@given(st.sampled_from((20.0, 4.0, 0.0)), st.integers(0, 5), st.sampled_from((5.0, 3.0, 0.5)), MOVES)
def test_whatever_comes_back_in_whatever_order_no_more_is_spent_than_was_granted(
    granted: float, tasks: int, price: float, moves: list[tuple[bool, int, float | None]]
) -> None:
    budget, truly_spent = Budget(granted, tasks, price), 0.0
    for leaves, place, share in moves:
        if leaves and budget.decide() == "granted":
            budget = budget.with_request()
        elif not leaves and budget.in_flight:
            landing = budget.in_flight[place % len(budget.in_flight)]
            cost = None if share is None else share * landing
            budget = budget.with_result(landing, cost)
            truly_spent += cost or 0.0
        assert truly_spent + sum(budget.in_flight) <= granted
        assert budget.spent == truly_spent
        assert budget.created + len(budget.in_flight) <= tasks


def test_a_create_under_way_is_waited_for_when_it_may_turn_out_free() -> None:
    full = Budget(5.0, tasks=9).with_request()
    assert full.decide() == "wait"
    assert full.with_result(5.0, None).decide() == "granted"
    assert full.with_result(5.0, 5.0).decide() == "refused"


def test_without_a_grant_what_ought_to_be_refused_is_sent_and_counted() -> None:
    budget = Budget(None, tasks=9).with_request().with_result(5.0, 7.0)
    assert (budget.decide(), budget.spent, budget.created, budget.affords) == ("granted", 7.0, 1, 0)


def test_a_dearer_task_makes_the_next_ones_dearer() -> None:
    budget = Budget(20.0, tasks=9).with_request().with_result(5.0, 8.0)
    assert (budget.price, budget.affords) == (8.0, 1)
    assert budget.with_request().decide() == "wait"


def test_a_cheaper_task_does_not_make_one_careless() -> None:
    assert Budget(20.0, tasks=9).with_request().with_result(5.0, 1.0).price == 5.0


def test_tasks_may_be_scarcer_than_credits() -> None:
    budget = Budget(1000.0, tasks=2)
    assert (budget.affords, budget.with_request().with_result(5.0, 5.0).affords) == (2, 1)


def test_the_price_is_the_documents_own_example() -> None:
    assert documented_price(SPEC) == 5.0


@given(st.none() | st.booleans() | st.text() | st.floats(max_value=-0.1) | st.lists(st.integers()))
def test_what_is_no_price_is_none(value: object) -> None:
    assert price_in({"usage": {"credits_reserved": value}}) is None
    assert price_in({"usage": value}) is None
    assert price_in(value) is None


def test_a_price_is_read_from_usage() -> None:
    assert price_in({"usage": {"credits_reserved": 2.5}}) == 2.5
    assert price_in({"usage": {"credits_reserved": 0}}) == 0.0
    assert DEFAULT_PRICE > 0
