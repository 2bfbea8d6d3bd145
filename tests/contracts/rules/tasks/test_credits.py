"""Credits before and after: what is sure is told, and a correct account is never accused."""

from __future__ import annotations

from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.tasks import credits as balances
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import Account
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import (
    ACCOUNTS,
    BODY,
    ID,
    Tracing,
    completed,
    error,
    failed,
    processing,
    task,
)

Body = dict[str, Any]
INVALID = error("invalid_request", "invalid_request_error")
POOR = error("insufficient_quota", "insufficient_quota")
DOWN = error("internal_error", "api_error")
HOOKS = "https://hooks.example.test"
ANOTHER = "task-unified-1757169743-00000000"
SIDE = {"remaining_credits": 95, "used_credits": 5}
SHAPE = {"success": True, "message": "", "data": {"user": SIDE, "token": SIDE | {"unlimited_credits": False}}}


def refuse(trace: Tracing, status: int = 400) -> None:
    body = BODY | {"duration": 7} if status == 400 else BODY
    trace.create(INVALID if status == 400 else POOR, status, body)


def refused(*left: float, **more: Any) -> Tracing:
    """The credits before a refused create, and some readings after it."""
    trace = Tracing(**more)
    trace.credits(left[0])
    refuse(trace)
    for amount in left[1:]:
        trace.credits(amount)
    return trace


def failing(*left: float, before: float = 100, end: Body | None = None, **more: Any) -> Tracing:
    """The credits before a task that fails, and some readings after it."""
    trace = Tracing(**more)
    trace.credits(before)
    trace.create()
    trace.query(processing())
    trace.query(end or failed())
    for amount in left:
        trace.credits(amount, after=2.5)
    return trace


def calling(*left: float) -> Tracing:
    """The same, with a callback, and the readings after it."""
    trace = Tracing(receiver=HOOKS)
    trace.credits(100)
    trace.create(body=BODY | {"callback_url": f"{HOOKS}/c/1?s=x"})
    trace.delivery(failed())
    for amount in left:
        trace.credits(amount, after=1.5)
    return trace


def queried(first: float, second: float) -> Tracing:
    trace = failing(100)
    trace.credits(first)
    trace.query(failed())
    trace.credits(second)
    return trace


def shaped(body: Any, status: int = 200) -> Tracing:
    trace = Tracing()
    trace.exchange("GET", "/v1/credits", status, body)
    return trace


def poor(status: int, **account: Any) -> Tracing:
    facts = ACCOUNTS | {"main": replace(Account("main", valid=True, credits=False, access=True), **account)}
    trace = Tracing(accounts=facts)
    trace.create(task() if status == 200 else POOR, status)
    return trace


VIOLATIONS: list[tuple[str, Tracing]] = [
    ("credits.reserved", refused(100, 95)),
    ("credits.reserved", refused(100, 99.5, 99.5)),
    ("credits.refund", failing(95)),
    ("credits.refund", failing(95, 95, 97)),
    ("callback.after-billing", calling(95, 100)),
    ("credits.refund", calling(95, 95)),
    ("query.reads-only", queried(100, 99)),
    ("credits.short", poor(200)),
    ("credits.shape", shaped({})),
    ("credits.shape", shaped(SHAPE | {"success": False})),
    ("credits.shape", shaped(SHAPE | {"message": None})),
    ("credits.shape", shaped(SHAPE | {"data": {"user": SIDE}})),
    ("credits.shape", shaped(SHAPE | {"data": {"user": SIDE, "token": SIDE}})),
    ("credits.shape", shaped(SHAPE | {"data": {**SHAPE["data"], "user": {"used_credits": 1}}})),  # type: ignore[dict-item]
    ("credits.shape", shaped(SHAPE | {"data": {**SHAPE["data"], "user": SIDE | {"used_credits": "1"}}})),  # type: ignore[dict-item]
    ("credits.shape", shaped([SHAPE])),
    ("credits.shape", shaped(SHAPE, 201)),
]


@pytest.mark.parametrize(("clause", "trace"), VIOLATIONS)
def test_what_is_wrong_with_credits_is_told_by_one_clause(clause: str, trace: Tracing) -> None:
    assert trace.accused().keys() == {clause}


def overlapped() -> Tracing:
    trace = refused(100, 95)
    trace.entries[2] = replace(trace.entries[2], began=trace.entries[1].ended - 0.01)
    return trace


def undone(create: Any = None, status: int = 200) -> Tracing:
    """A create of which nobody knows the end, and then a refused one that seems to have cost."""
    trace = Tracing()
    trace.credits(100)
    trace.create(create, status)
    trace.credits(95, after=5.0)
    refuse(trace)
    trace.credits(90)
    return trace


def of_another(who: str) -> Tracing:
    trace = Tracing()
    trace.credits(100)
    trace.create(who=who)
    refuse(trace)
    trace.credits(95)
    return trace


@pytest.mark.parametrize(
    "trace",
    [
        refused(100, 100),
        refused(100, 150),
        refused(100, 95, complete=False),
        overlapped(),
        undone(),
        undone(DOWN, 500),
        undone(b"", 0),
        of_another("limited"),
        of_another("unknown"),
        failing(100),
        failing(95, 100),
        failing(50, end=completed()),
        failing(95, end=processing(60)),
        failing(95, complete=False),
        failing(95, scale=0.5),
        calling(100),
        shaped(SHAPE | {"more": 1}),
        poor(402),
        poor(402, valid=None),
        poor(200, valid=None),
    ],
)
def test_what_is_not_sure_accuses_nobody(trace: Tracing) -> None:
    accused = trace.accused().keys()
    assert not accused & {*rules_of(balances)}


def test_credits_in_order_keep_every_clause_of_them() -> None:
    trace = Tracing(receiver=HOOKS)
    trace.credits(100)
    refuse(trace)
    trace.credits(100)
    trace.create(body=BODY | {"callback_url": f"{HOOKS}/c/1?s=x"})
    trace.query(failed())
    trace.delivery(failed())
    trace.credits(100)
    trace.credits(100, after=2.5)
    trace.query(failed())
    trace.credits(100)
    assert trace.accused() == {}
    passed = trace.passed()
    assert set(rules_of(balances)) - {"credits.short"} <= passed.keys()
    assert passed["callback.after-billing"] == 3
    assert poor(402).passed()["credits.short"] == 1


def test_nothing_is_said_of_credits_that_nobody_asked_for() -> None:
    trace = Tracing()
    refuse(trace)
    trace.create()
    trace.query(failed())
    assert not {*rules_of(balances)} & trace.passed().keys()


def test_a_callback_before_the_end_says_nothing_of_the_billing() -> None:
    trace = Tracing(receiver=HOOKS)
    trace.credits(100)
    trace.create(body=BODY | {"callback_url": f"{HOOKS}/c/1?s=x"})
    trace.delivery(processing(), url=f"{HOOKS}/c/1?s=x")
    trace.credits(95)
    trace.query(failed())
    trace.credits(100)
    assert trace.accused().keys() == {"callback.at-end"}


def test_another_account_moves_nothing() -> None:
    trace = Tracing()
    trace.credits(100)
    trace.create(who="other")
    refuse(trace)
    trace.credits(95)
    assert trace.accused().keys() == {"credits.reserved"}


def test_two_failures_return_together() -> None:
    trace = failing()
    trace.create(task(id=ANOTHER))
    trace.query(failed(id=ANOTHER), id_=ANOTHER)
    trace.credits(100, after=2.5)
    assert trace.accused() == {}
    trace.credits(95, after=2.5)
    assert trace.passed()["credits.refund"] == 1
    short = failing()
    short.create(task(id=ANOTHER))
    short.query(failed(id=ANOTHER), id_=ANOTHER)
    short.credits(95, after=2.5)
    assert short.accused().keys() == {"credits.refund"}


def test_what_was_completed_costs_what_it_costs() -> None:
    trace = failing(100)
    trace.create(task(id=ANOTHER))
    trace.query(completed(id=ANOTHER), id_=ANOTHER)
    trace.credits(60, after=2.5)
    assert trace.accused() == {}


def test_a_create_that_the_rest_does_not_cover_is_told() -> None:
    for left, accused in ((4.5, {"credits.short"}), (5, set()), (0, {"credits.short"})):
        trace = Tracing()
        trace.credits(left)
        trace.create()
        trace.query(processing())
        assert trace.accused().keys() == accused


def test_credits_that_may_have_returned_since_cover_a_create() -> None:
    trace = Tracing()
    trace.create()
    trace.query(processing())
    trace.credits(0)
    trace.create(task(id=ANOTHER))
    trace.query(failed())
    assert trace.accused() == {}


def test_a_key_without_limits_needs_no_credits() -> None:
    trace = shaped(
        SHAPE
        | {"data": {"user": SIDE | {"remaining_credits": 0}, "token": SIDE | {"unlimited_credits": True}}}
    )
    trace.create()
    assert trace.accused() == {}


def test_what_adding_and_subtracting_leaves_over_is_no_credit() -> None:
    trace = Tracing()
    trace.credits(1000)
    trace.create()
    trace.query(failed())
    trace.credits(999.9999999999999, after=2.0)
    assert trace.accused() == {}
    dear = Tracing()
    dear.credits(1000)
    dear.create()
    dear.query(failed())
    dear.credits(999.99, after=2.0)
    assert dear.accused().keys() == {"credits.refund"}


def test_of_an_id_that_two_creates_were_given_nobody_knows_what_it_took() -> None:
    trace = Tracing()
    trace.credits(100)
    trace.create()
    trace.create()
    trace.query(failed())
    trace.credits(95, after=2.0)
    assert trace.accused().keys() == {"id.unique"}


def test_settling_is_given_time_on_the_servers_clock_and_on_ours() -> None:
    assert tuple(Tolerances(scale).credits_settled for scale in (1.0, 60.0, 0.5)) == (2.0, 1.0, 4.0)
    soon = Tracing()
    soon.credits(100)
    soon.create()
    soon.query(failed())
    soon.credits(95, after=1.9)
    assert soon.accused() == {}
    soon.credits(95, after=0.1)
    assert soon.accused().keys() == {"credits.refund"}


@st.composite
def correct_accounts(draw: st.DrawFn) -> Tracing:
    """One account used in any order, its credits told as they are, each task settled within a second of its end."""
    trace, left, number, returning, ended = Tracing(), 1000.0, 0, 0.0, 0.0
    for _ in range(draw(st.integers(2, 10))):
        act = draw(st.sampled_from(["credits", "refused", "failed", "completed", "query", "credits"]))
        after = draw(st.floats(0.0, 4.0))
        if returning and trace.at + after >= ended + 1.0:
            left, returning = left + returning, 0.0
        if act == "credits":
            trace.credits(left, after=after)
        elif act == "refused":
            trace.create(INVALID, 400, BODY | {"duration": 7}, after=after)
        elif act == "query" and number:
            id_ = f"{ID[:-8]}{number:08}"
            trace.query(trace_end(number), id_=id_, after=after)
        elif act in {"failed", "completed"}:
            number += 1 if (number % 2 == 0) == (act == "failed") else 2
            id_, price = f"{ID[:-8]}{number:08}", draw(st.floats(0, 9))
            trace.create(task(id=id_), after=after)
            left -= price
            ended = trace.query(trace_end(number), id_=id_).ended
            returning += price if act == "failed" else 0.0
            left -= draw(st.floats(0, 9)) if act == "completed" else 0.0
    return trace


def trace_end(number: int) -> Body:
    """Tasks with an odd number fail."""
    return (failed if number % 2 else completed)(id=f"{ID[:-8]}{number:08}")


@settings(deadline=None, max_examples=80)
@given(trace=correct_accounts())
def test_no_correct_account_is_accused(trace: Tracing) -> None:
    reading = trace.reading()
    assert all(one.passed for rule in rules_of(balances).values() for one in rule(reading))


def test_thousands_of_readings_and_creates_are_judged_in_a_moment() -> None:
    trace = Tracing()
    for _ in range(1000):
        trace.credits(100, after=0.001)
        refuse(trace)
    reading = trace.reading()
    began = process_time()
    assert sum(one.passed for one in balances.reserved(reading)) == 999
    assert process_time() - began < 2.0


def test_a_price_is_compared_without_the_dust_of_adding_up() -> None:
    trace = Tracing()
    trace.credits(3.3)
    usage = {"billing_rule": "per_call", "credits_reserved": 1.1 * 3, "user_group": "default"}
    trace.create(task(usage=usage))
    assert trace.accused() == {}
