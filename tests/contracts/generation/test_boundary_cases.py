"""The table of probes: it covers the clauses, what must be refused is refused, and what costs is little."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest
from evolink_check.analysis.request_faults import create_faults
from evolink_check.generation.boundary_cases import (
    invalid_creates,
    read_only_cases,
    risky_creates,
    valid_creates,
)
from evolink_check.generation.case import concerns
from evolink_check.traffic.trace import MAIN, NOBODY, WRONG
from support.mocks.in_process import CREATE, MODEL, SPEC
from support.mocks.sending import CLAUSES, KNOWN, SUBJECT, VIOLATIONS, body_of, sending

if TYPE_CHECKING:
    from evolink_check.generation.case import Case

CREATES = SPEC.creates["POST", CREATE]
OPERATION = CREATES[MODEL]
FIELDS = OPERATION.body_schema["x-subject"]["properties"]
LISTED = {name: FIELDS[name]["enum"] for name in ("duration", "mode", "quality")}
NEGATIVE = invalid_creates(SPEC, KNOWN)
READ_ONLY = read_only_cases(SPEC, KNOWN)
CREATING = valid_creates(SPEC, KNOWN)
GUARDED = risky_creates(SPEC, KNOWN)
EVERY = (*NEGATIVE, *READ_ONLY, *CREATING, *GUARDED)


def sure(case: Case) -> set[str]:
    return {fault.clause for fault in create_faults(case.headers, case.body, CREATES) if fault.sure}


@pytest.mark.parametrize(
    "clause",
    [clause.id for clause in CLAUSES if clause.binds == "server" and clause.observed.where == "create"],
)
def test_every_clause_that_a_create_shows_has_a_case(clause: str) -> None:
    assert any(clause in case.clauses for case in EVERY)


@pytest.mark.parametrize(
    "clause",
    [clause.id for clause in CLAUSES if clause.binds == "server" and clause.observed.where == "exchange"],
)
def test_every_clause_that_any_exchange_shows_has_a_case_that_costs_nothing(clause: str) -> None:
    assert any(clause in case.clauses for case in (*NEGATIVE, *READ_ONLY))


def test_no_clause_is_made_up() -> None:
    assert {clause for case in EVERY for clause in case.clauses} <= {clause.id for clause in CLAUSES}


@pytest.mark.parametrize("clause", sorted({clause for case in NEGATIVE for clause in sure(case)}))
def test_each_sure_fault_stands_alone_somewhere(clause: str) -> None:
    assert any(sure(case) == {clause} and case.key == MAIN for case in NEGATIVE)


def test_every_negative_case_is_surely_wrong_or_has_no_key() -> None:
    for case in NEGATIVE:
        assert not case.creates
        assert sure(case) or case.key == NOBODY, case.name


def test_a_wrong_key_comes_with_a_faulty_body_where_no_credits_were_granted() -> None:
    wrong = [case for case in NEGATIVE if case.key == WRONG]
    assert wrong
    assert all(sure(case) for case in wrong)


def test_the_first_clause_is_what_a_case_is_an_example_of() -> None:
    for case in NEGATIVE:
        expected = {"auth.bearer", "body.limit", "create.error-429", *sure(case)}
        assert case.clauses[0] in expected, case.name


def test_the_correct_mock_refuses_every_negative_case_and_takes_nothing() -> None:
    with sending(credits=100) as send:
        answers = [(case.name, send(case).exchange.status) for case in NEGATIVE]
        assert {status for _, status in answers} == {400, 401}
        assert send.mock.left(MAIN) == 100


def test_nothing_is_wrong_with_the_answers_of_the_correct_mock() -> None:
    with sending() as send:
        for case in (*invalid_creates(SPEC, SUBJECT), *read_only_cases(SPEC, SUBJECT)):
            assert VIOLATIONS(send(case)) == (), case.name
        for case in (*valid_creates(SPEC, SUBJECT), *risky_creates(SPEC, SUBJECT)):
            assert VIOLATIONS(send(case)) == (), case.name


def test_reading_meets_every_refusal_and_no_success_but_the_credits() -> None:
    with sending() as send:
        answers = {(case.path, send(case).exchange.status) for case in READ_ONLY}
    assert {path for path, status in answers if status == 200} == {"/v1/credits"}
    assert {status for _, status in answers} == {200, 400, 401, 404, 405}


def test_what_is_read_has_no_body() -> None:
    assert all(case.body == b"" and not case.creates for case in READ_ONLY)


def test_the_correct_mock_makes_a_task_of_every_valid_create() -> None:
    with sending() as send:
        assert {send(case).exchange.status for case in CREATING} == {200}


def test_creates_are_few_and_the_plainest_stands_first() -> None:
    assert len(CREATING) <= 16
    assert set(body_of(CREATING[0])) == {"model", "prompt", "image_urls"}
    assert all(case.creates and sure(case) == set() for case in CREATING)


@pytest.mark.parametrize("seed", range(5))
def test_every_two_listed_values_stand_together_in_some_create(seed: int) -> None:
    bodies = [body_of(case) for case in valid_creates(SPEC, SUBJECT, seed)]
    for one, other in combinations(LISTED, 2):
        seen = {(body[one], body[other]) for body in bodies if one in body}
        assert seen == set(product(LISTED[one], LISTED[other]))


def test_every_listed_value_is_among_the_first_four_creates() -> None:
    bodies = [body_of(case) for case in CREATING[1:4]]
    for name, values in LISTED.items():
        assert {body[name] for body in bodies} == set(values)


def test_creates_have_an_old_name_a_long_prompt_a_long_callback_and_what_is_unknown() -> None:
    bodies = [body_of(case) for case in CREATING]
    assert {body["model"] for body in bodies} == {MODEL, *OPERATION.aliases}
    assert max(len(body["prompt"]) for body in bodies) == 10_000
    assert any(not body["prompt"].isascii() for body in bodies)
    assert max(len(body.get("callback_url", "")) for body in bodies) == 2048
    assert any(body.keys() - OPERATION.properties for body in bodies)
    assert any(name == "Idempotency-Key" for case in CREATING for name, _ in case.headers)


def test_equal_seeds_give_equal_creates_and_others_give_others() -> None:
    assert valid_creates(SPEC, SUBJECT, 1) == valid_creates(SPEC, SUBJECT, 1)
    assert len({valid_creates(SPEC, SUBJECT, seed) for seed in range(5)}) > 1


def test_guarded_cases_need_a_budget_and_hardly_any_makes_a_task() -> None:
    assert all(case.creates for case in GUARDED)
    with sending(credits=0) as poor:
        assert poor(next(case for case in GUARDED if case.key == "poor")).exchange.status == 402
    with sending() as send:
        for case in GUARDED:
            if case.key not in {"poor", "barred"}:
                send(case)
        assert len(send.accepted) == 2


def test_each_kind_of_key_has_its_case() -> None:
    assert {case.key for case in GUARDED} == {MAIN, WRONG, "poor", "barred"}
    assert "hasty" in {case.key for case in NEGATIVE} & {case.key for case in READ_ONLY}
    assert {case.key for case in risky_creates(SPEC, SUBJECT)} == {MAIN, WRONG}


@pytest.mark.parametrize(
    "subject", [replace(KNOWN, any_key=True), replace(KNOWN, cannot=frozenset({"auth.bearer"}))]
)
def test_where_any_key_is_taken_no_wrong_one_is_sent(subject: object) -> None:
    assert isinstance(subject, type(KNOWN))
    every = (*invalid_creates(SPEC, subject), *read_only_cases(SPEC, subject), *risky_creates(SPEC, subject))
    assert WRONG not in {case.key for case in every}
    assert not any((case.authorization or "").startswith("Bearer ") for case in every)


def test_a_case_is_sent_when_it_speaks_of_a_wanted_clause_or_none_is_wanted() -> None:
    case = CREATING[0]
    assert concerns(case, frozenset())
    assert concerns(case, frozenset({"create.accepts", "link.24h"}))
    assert not concerns(case, frozenset({"link.24h"}))


def test_no_two_negative_cases_are_the_same_request() -> None:
    assert len({replace(case, name="", clauses=()) for case in NEGATIVE}) == len(NEGATIVE)


def test_what_is_sent_can_stand_in_a_request() -> None:
    for case in EVERY:
        assert case.path.isascii()
        assert " " not in case.path
        assert all(f"{name}{value}".isascii() and value == value.strip() for name, value in case.headers)
