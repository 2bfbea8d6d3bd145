"""What comes of a delivery: how long it is waited for, and when it is repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.tasks import callback_retries
from evolink_check.rules.tasks.deliveries import CUT, GAVE_UP
from evolink_check.rules.tolerances import Tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import BODY, SPEC, Tracing, completed

HOOKS = "https://hooks.example.test"
URL = f"{HOOKS}/c/1?secret=s"
ELSEWHERE = f"{HOOKS}/elsewhere/1"
CALLBACK = next(one.callback for ones in SPEC.creates.values() for one in ones.values() if one.callback)


@dataclass(frozen=True)
class Try:
    """One attempt: what it was answered with, `after` the one before, in real seconds."""

    status: int = 500
    after: float = 1.0
    took: float = 0.05
    problem: str = ""
    url: str = URL


def tried(*tries: Try, scale: float = 1.0, url: str = URL, end: bool = True) -> Tracing:
    trace = Tracing(receiver=HOOKS, scale=scale)
    trace.create(body=BODY | {"callback_url": url})
    if end:
        trace.query(completed())
    for one in tries:
        trace.delivery(completed(), one.status, one.url, after=one.after, took=one.took, problem=one.problem)
    return trace


def failing(*waits: float, scale: float = 1.0, last: int = 500, **more: Any) -> Tracing:
    """Attempts with these waits between them, all failing but perhaps the last."""
    tries = [Try(after=0.1), *(Try(after=wait) for wait in waits)]
    return tried(*tries[:-1], Try(last, tries[-1].after), scale=scale, **more)


def answered(status: int, problem: str = "", took: float = 0.05) -> Tracing:
    """One attempt that was answered so, and nothing more."""
    return tried(Try(status, 0.1, took, problem))


NEVER = Try(0, 0.1, 10.05, GAVE_UP)
GIVEN_UP = [Try(0, 0.1, 5.0, GAVE_UP), Try(204, 1.0)]
VIOLATIONS: list[tuple[str, Tracing]] = [
    ("callback.timeout", tried(*GIVEN_UP)),
    ("callback.timeout", tried(Try(0, 0.1, 30.0, GAVE_UP), Try(204))),
    ("callback.timeout", tried(Try(0, 0.1, 20.0, CUT), Try(204))),
    ("callback.timeout", tried(Try(0, 0.1, 0.1, GAVE_UP), Try(204, 0.05), scale=20.0)),
    ("callback.timeout", tried(Try(0, 0.1, 1.5, GAVE_UP), Try(204, 0.05), scale=20.0)),
    ("callback.2xx-success", tried(Try(200, 0.1), Try(204))),
    ("callback.2xx-success", tried(Try(204, 0.1), Try(204), Try(204, 2.0), Try(204, 4.0), Try(204))),
    ("callback.2xx-success", tried(Try(204, 0.1), Try(500, 0.1))),
    ("callback.retries", failing(0.0, 0.0, 0.0)),
    ("callback.retries", failing(1.0, 1.0, 4.0)),
    ("callback.retries", failing(1.0, 2.0, 9.0)),
    ("callback.retries", failing(60.0, last=204)),
    ("callback.retries", failing(0.0, 0.0, 0.0, scale=20.0)),
    ("callback.retries", failing(3.0, 3.0, 3.0, scale=20.0)),
    ("callback.at-most-three", failing(1.0, 2.0, 4.0, 8.0)),
    ("callback.at-most-three", failing(1.0, 2.0, 4.0, 4.0, 4.0)),
    ("callback.any-failure", answered(500)),
    ("callback.any-failure", answered(302)),
    ("callback.any-failure", answered(404)),
    ("callback.any-failure", answered(410)),
    ("callback.any-failure", answered(0, CUT)),
    ("callback.any-failure", answered(0, GAVE_UP, 10.0)),
    ("callback.any-failure", failing(1.0)),
    ("callback.any-failure", failing(1.0, 2.0)),
    ("callback.no-redirects", tried(Try(302, 0.1), Try(204, 0.05, url=ELSEWHERE))),
    ("callback.no-redirects", tried(Try(307, 0.1), Try(500, 0.05, url=ELSEWHERE), Try(204, 1.0))),
]


@pytest.mark.parametrize(("clause", "trace"), VIOLATIONS)
def test_what_is_wrong_with_a_schedule_is_told_by_one_clause(clause: str, trace: Tracing) -> None:
    assert trace.accused().keys() == {clause}


@pytest.mark.parametrize(
    "trace",
    [
        failing(1.0, 2.0, 4.0),
        failing(1.0, 2.0, last=204),
        failing(1.2, 2.4, 4.4),
        failing(1.9, 3.9, last=200),
        failing(0.05, 0.1, 0.2, scale=20.0),
        failing(0.01, 0.03, 0.06, scale=60.0),
        failing(1.0, 1.0, last=204, scale=20.0),
        tried(NEVER, Try(204)),
        tried(Try(0, 0.1, 12.5, GAVE_UP), Try(204)),
        tried(NEVER, Try(204, 0.0)),
        tried(Try(0, 0.1, 2.0, CUT), Try(204)),
        tried(Try(0, 0.1, 0.5, GAVE_UP), Try(204, 0.05), scale=20.0),
        tried(Try(0, 0.1, 10.0, GAVE_UP), Try(204, 0.05), scale=20.0),
        tried(Try(0, 0.1, 13.0, CUT), Try(204, 0.05), scale=20.0),
        tried(Try(204, 0.1, took=9.9), Try(204, 1.0)),
        tried(Try(204, 0.1, took=9.9)),
        tried(Try(299, 0.1)),
        tried(Try(302, 0.1), Try(204)),
    ],
)
def test_a_schedule_in_order_accuses_nobody(trace: Tracing) -> None:
    assert trace.accused() == {}


def test_schedules_in_order_keep_every_clause_of_them() -> None:
    passed = failing(1.0, 2.0, 4.0).passed()
    assert passed["callback.retries"] == passed["callback.any-failure"] == 3
    assert passed["callback.at-most-three"] == 1
    assert tried(NEVER, Try(204)).passed()["callback.timeout"] == 1
    assert tried(NEVER, Try(204)).passed()["callback.2xx-success"] == 1
    assert tried(Try(302, 0.1), Try(204)).passed()["callback.no-redirects"] == 1


def test_nothing_is_said_of_schedules_where_nothing_was_called() -> None:
    assert not {*rules_of(callback_retries)} & tried(end=False).passed().keys()
    assert (
        not {*rules_of(callback_retries)}
        & tried(Try(url="https://else.example.test/"), url="").passed().keys()
    )


def test_who_repeats_a_success_is_not_told_of_what_he_does_not_repeat() -> None:
    trace = tried(Try(204, 0.1), Try(204))
    other = "task-unified-1757169743-00000000"
    trace.create(
        completed(id=other, status="pending", progress=0, results=None),
        body=BODY | {"callback_url": f"{HOOKS}/c/2"},
    )
    trace.query(completed(id=other), id_=other)
    trace.delivery(completed(id=other), 500, f"{HOOKS}/c/2")
    assert trace.accused().keys() == {"callback.2xx-success"}


@pytest.mark.parametrize(
    ("took", "tries", "accused"),
    [
        (0.3, [Try(0, 0.1, 0.1, GAVE_UP), Try(204, 0.05)], set()),  # it may have connected for 0.4 s
        (0.1, [Try(0, 0.1, 0.1, GAVE_UP), Try(204, 0.05)], {"callback.timeout"}),
        (0.3, [Try(204, 0.1), Try(204, 0.05)], set()),  # the first answer may have come too late
        (0.1, [Try(204, 0.1), Try(204, 0.05)], {"callback.2xx-success"}),
        (0.3, [Try(after=0.1), Try(after=3.0), Try(204, 0.2)], set()),  # one may have been lost
        (0.1, [Try(after=0.1), Try(after=3.0), Try(204, 0.2)], {"callback.retries"}),
        (0.3, [Try(after=0.1), Try(after=0.1), Try(after=0.1)], set()),
        (0.1, [Try(after=0.1), Try(after=0.1), Try(after=0.1)], {"callback.any-failure"}),
        (0.3, [Try(after=0.1)], {"callback.any-failure"}),  # hardly all three of them
        (0.6, [Try(after=0.1)], set()),
    ],
)
def test_a_slow_machine_is_not_taken_for_a_violation(
    took: float, tries: list[Try], accused: set[str]
) -> None:
    trace = tried(scale=20.0)
    trace.query(completed(), took=took)
    for one in tries:
        trace.delivery(completed(), one.status, one.url, after=one.after, took=one.took, problem=one.problem)
    assert trace.accused().keys() == accused


def test_a_retry_that_fell_due_after_the_watching_proves_nothing() -> None:
    trace = failing(1.0)
    trace.at -= 60.0 - Tolerances().wait_for_delivery(CALLBACK, 2) + 0.1
    assert trace.accused() == {}
    trace.at += 0.2
    assert trace.accused().keys() == {"callback.any-failure"}


@pytest.mark.parametrize("scale", [0.5, 1.0, 5.0, 20.0, 60.0])
def test_what_is_late_is_not_yet_what_never_comes(scale: float) -> None:
    for place, wait in enumerate(CALLBACK.retries, start=1):
        least, most = Tolerances(scale).retry_window(wait)
        assert least < wait / scale < most < Tolerances(scale).wait_for_delivery(CALLBACK, place)


@settings(deadline=None, max_examples=60)
@given(
    scale=st.sampled_from([1.0, 2.0, 20.0, 60.0]),
    jitters=st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
    tooks=st.lists(st.floats(0.0, 0.15), min_size=4, max_size=4),
    failures=st.integers(0, 4),
    status=st.sampled_from([0, 302, 404, 500]),
    from_the_beginning=st.booleans(),
)
def test_no_correct_schedule_is_accused(  # noqa: PLR0913  (all that may be otherwise)
    *,
    scale: float,
    jitters: list[float],
    tooks: list[float],
    failures: int,
    status: int,
    from_the_beginning: bool,
) -> None:
    tries, before = [], 0.0
    for place in range(min(failures + 1, 4)):
        wait = CALLBACK.retries[place - 1] / scale if place else 0.0
        after = max(0.0, wait - before) if from_the_beginning else wait
        problem = "" if status else CUT
        last = place >= failures
        tries.append(
            Try(204 if last else status, after + jitters[place], tooks[place], "" if last else problem)
        )
        before = tooks[place]
    found = tried(*tries, scale=scale).reading()
    assert all(one.passed for rule in rules_of(callback_retries).values() for one in rule(found))


def test_a_receiver_that_redirects_to_what_is_no_address_stops_no_rule() -> None:
    trace = failing(1.0, 2.0, 4.0, last=204)
    first = trace.entries[2]
    exchange = replace(first.exchange, status=302, response_headers=(("Location", "https://[no/"),))
    trace.entries[2] = replace(first, exchange=exchange)
    assert trace.accused() == {}
