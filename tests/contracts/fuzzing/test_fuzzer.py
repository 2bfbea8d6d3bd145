"""Fuzzing: a planted defect is found, shrunk, remembered and found again; a correct server is left in peace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.fuzzing.fuzzer import fuzz, violations_of
from evolink_check.generation.case import Case
from evolink_check.generation.case_builders import create_case
from evolink_check.generation.strategies import Strategy, free_strategies
from evolink_check.settings import Effort
from evolink_check.transport.target import OutOfTimeError, OverBudgetError
from hypothesis import strategies as st
from support.mocks.in_process import BODY, CREATE, SPEC
from support.mocks.sending import (
    ACCOUNTS,
    CLAUSES,
    ORIGIN,
    SUBJECT,
    VIOLATIONS,
    Sending,
    accepts_duration_7,
    body_of,
    sending,
    silent,
)

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_check.traffic.trace import Entry

EVERY = free_strategies(SPEC, SUBJECT)
UNLISTED = next(one for one in EVERY if one.name == "a value that is not listed")
OPERATION = next(iter(SPEC.creates["POST", CREATE].values()))
# So few that all of them are drawn.
DURATIONS = Strategy(
    "durations",
    ("duration.enum",),
    st.integers(0, 20)
    .map(
        lambda value: create_case("durations", OPERATION, SPEC, BODY | {"x": "y" * value, "duration": value})
    )
    .filter(lambda case: not case.creates),
)
MISSING = next(one for one in EVERY if one.name == "a field is missing")
OTHER_PATH = Case("a path", ("error.other-paths",), "GET", "/v1/nothing")
EFFORT = Effort(examples=60, jobs=1, seed=1)


def test_a_planted_defect_is_shrunk_to_the_smallest_request() -> None:
    def takes_any_whole_number(case: Case, status: int, body: Any) -> tuple[int, Any]:
        seven = replace(case, body=case.body.replace(b'"duration":' + _duration(case), b'"duration":7'))
        return accepts_duration_7(seven, status, body) if _duration(case).isdigit() else (status, body)

    with sending(takes_any_whole_number) as send:
        (found,) = fuzz([UNLISTED], send, VIOLATIONS, EFFORT)
    assert found.case is not None
    assert body_of(found.case).keys() == {*BODY, "duration"}
    assert body_of(found.case)["duration"] in {0, 7}
    assert found.clause == "duration.enum"
    assert found.entry is not None
    assert found.entry.exchange.status == 200
    assert found.ended == ""
    assert found.sent == len(send.entries) > 1


def _duration(case: Case) -> bytes:
    return case.body.rpartition(b'"duration":')[2].rstrip(b"}")


def test_the_one_value_that_is_let_pass_is_found() -> None:
    with sending(accepts_duration_7) as send:
        (found,) = fuzz([DURATIONS], send, VIOLATIONS, EFFORT)
    assert found.case is not None
    assert body_of(found.case)["duration"] == 7
    assert found.clause == "duration.enum"


def test_a_correct_server_breaks_nothing() -> None:
    with sending() as send:
        results = fuzz(EVERY, send, VIOLATIONS, replace(EFFORT, examples=10))
    assert [(one.strategy, one.case, one.ended) for one in results] == [(one.name, None, "") for one in EVERY]
    assert all(1 <= one.sent <= 10 for one in results)


def test_what_failed_once_is_sent_first_the_next_time(tmp_path: Path) -> None:
    effort = replace(EFFORT, memory=tmp_path)
    with sending(accepts_duration_7) as send:
        (first,) = fuzz([DURATIONS], send, VIOLATIONS, effort)
        sent = len(send.cases)
        fuzz([DURATIONS], send, VIOLATIONS, replace(effort, seed=99))
        assert first.case is not None
        assert send.cases[sent] == first.case
    with sending() as repaired:
        (found,) = fuzz([DURATIONS], repaired, VIOLATIONS, effort)
        assert found.case is None
        assert repaired.cases[0] == first.case


def test_strategies_do_not_remember_for_each_other(tmp_path: Path) -> None:
    effort = replace(EFFORT, memory=tmp_path)
    with sending(accepts_duration_7) as send:
        fuzz([DURATIONS, MISSING], send, VIOLATIONS, effort)
    assert [path.name for path in tmp_path.iterdir()] == ["durations"]


def test_without_a_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sending(accepts_duration_7) as send:
        fuzz([DURATIONS], send, VIOLATIONS, EFFORT)
    assert list(tmp_path.iterdir()) == []


def test_equal_seeds_send_equal_requests_and_others_send_others() -> None:
    def sent(seed: int) -> list[Case]:
        with sending() as send:
            fuzz([MISSING, UNLISTED], send, silent, replace(EFFORT, seed=seed, examples=20))
            return send.cases

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


def test_a_clause_that_is_known_to_be_broken_is_not_looked_for() -> None:
    with sending(accepts_duration_7) as send:
        (found,) = fuzz([DURATIONS], send, VIOLATIONS, EFFORT, frozenset({"duration.enum"}))
    assert found.case is None
    assert found.sent >= 19, "all but the two that are listed"


def test_shrinking_stays_with_the_clause_it_found() -> None:
    sizes = st.integers(0, 100).map(lambda size: replace(OTHER_PATH, body=b"x" * size))
    seen: list[int] = []

    def violations(entry: Entry) -> tuple[str, ...]:
        size = len(entry.exchange.request_body)
        if size >= 50:
            seen.append(size)
            return ("wire.json",)
        return ("error.shape",) if seen else ()

    with sending() as send:
        (found,) = fuzz([Strategy("sizes", ("wire.json",), sizes)], send, violations, EFFORT)
    assert found.case is not None
    assert (found.clause, len(found.case.body)) == ("wire.json", 50)


@pytest.mark.parametrize("why", [OverBudgetError("the budget is spent"), OutOfTimeError("the time is over")])
def test_what_halts_a_run_ends_it_and_keeps_what_was_found(why: Exception) -> None:
    with sending(accepts_duration_7) as send:

        def limited(case: Case) -> Entry:
            if send.accepted:
                raise why
            return send(case)

        (found,) = fuzz([DURATIONS], limited, VIOLATIONS, EFFORT)
    assert found.ended == str(why)
    assert found.clause == "duration.enum"
    assert found.case in send.accepted


def test_a_server_that_answers_now_so_now_so_is_told_of_and_no_bug_of_ours() -> None:
    with sending() as send:
        fails = iter([False, True, *[False] * 10_000])
        found = fuzz([DURATIONS], send, lambda _: ("wire.json",) if next(fails) else (), EFFORT)[0]
    assert found.clause == "wire.json"
    assert "differently" in found.ended


def test_a_bug_in_a_check_is_not_taken_for_a_finding() -> None:
    def buggy(_: Entry) -> tuple[str, ...]:
        raise ZeroDivisionError

    with sending() as send, pytest.raises(ZeroDivisionError):
        fuzz([MISSING], send, buggy, EFFORT)


def test_many_strategies_run_at_the_same_time() -> None:
    some = (*EVERY[::3], DURATIONS)
    with sending(accepts_duration_7) as send:
        results = fuzz(some, send, VIOLATIONS, replace(EFFORT, jobs=8, examples=25))
        assert len(send.entries) == sum(one.sent for one in results)
    assert [one.strategy for one in results] == [one.name for one in some]
    assert {one.clause for one in results} == {"", "duration.enum"}
    assert {one.ended for one in results} == {""}


def test_only_strategies_of_the_wanted_clauses_are_run() -> None:
    with sending() as send:
        results = fuzz(
            EVERY, send, VIOLATIONS, replace(EFFORT, examples=2, clauses=frozenset({"auth.bearer"}))
        )
    assert {one.strategy for one in results} == {"no bearer key", "a wrong key"}


def test_the_judge_of_single_exchanges_tells_the_broken_clauses_that_must_be_kept() -> None:
    def wrapped(_: Case, status: int, body: object) -> tuple[int, object]:
        return status, {"error": body}

    with sending(wrapped) as send:
        entry = send(OTHER_PATH)
    assert "error.other-paths" in VIOLATIONS(entry)
    few = [clause for clause in CLAUSES if clause.id == "wire.compact"]
    assert violations_of(SPEC, few, ACCOUNTS, ORIGIN)(entry) == ()


def test_a_trace_of_one_entry_is_judged_whatever_its_number() -> None:
    with sending(accepts_duration_7) as send:
        found = _seven(send)
        assert VIOLATIONS(found) == VIOLATIONS(replace(found, number=4711)) == ("duration.enum",)


def _seven(send: Sending) -> Entry:
    (found,) = fuzz([DURATIONS], send, VIOLATIONS, EFFORT)
    assert found.entry is not None
    return found.entry
