"""Strategies give what they say: each fault alone and sure, valid creates without any, nothing that cannot be sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from evolink_check import Conformance, Exchange
from evolink_check.analysis.request_faults import create_faults
from evolink_check.generation.invalid_bodies import INVALID_BODIES
from evolink_check.generation.strategies import free_strategies, paid_strategies
from evolink_check.traffic.trace import MAIN, NOBODY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC
from support.mocks.sending import ORIGIN, SUBJECT, body_of, sending

if TYPE_CHECKING:
    from evolink_check.generation.case import Case

CREATES = SPEC.creates["POST", CREATE]
OPERATION = CREATES[MODEL]
STRATEGIES = {one.name: one for one in free_strategies(SPEC, SUBJECT)}
VALID = paid_strategies(SPEC, SUBJECT)[0]
VOICE = Conformance(SPEC)
quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def sure(case: Case) -> set[str]:
    return {fault.clause for fault in create_faults(case.headers, case.body, CREATES) if fault.sure}


@pytest.mark.parametrize("name", [name for name, _, _ in INVALID_BODIES])
@given(data=st.data())
@quickly
def test_a_strategy_of_single_faults_gives_just_that_fault(name: str, data: st.DataObject) -> None:
    strategy = STRATEGIES[name]
    case = data.draw(strategy.cases)
    found = sure(case)
    assert found
    assert found <= set(strategy.clauses)
    assert case.clauses[0] in found


@pytest.mark.parametrize("name", STRATEGIES)
@given(data=st.data())
@quickly
def test_what_is_drawn_without_a_budget_makes_no_task_and_can_be_sent(name: str, data: st.DataObject) -> None:
    case = data.draw(STRATEGIES[name].cases)
    assert not case.creates
    assert case.method != "POST" or sure(case) or case.key == NOBODY
    assert case.path.isascii()
    assert "/" not in case.path.rpartition("/")[2]
    for header, value in case.headers:
        assert f"{header}{value}".isascii()
        assert value == value.strip()
    assert case.authorization is None or case.authorization == case.authorization.strip() != ""


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_says_what_it_may_speak_of(name: str) -> None:
    strategy = STRATEGIES[name]
    seen: set[str] = set()

    @given(strategy.cases)
    @settings(max_examples=15, deadline=None, database=None)
    def look(case: Case) -> None:
        seen.update(case.clauses)

    look()
    assert set(strategy.clauses) & seen


def test_the_mock_refuses_whatever_is_drawn() -> None:
    with sending() as send:

        @given(st.one_of([one.cases for one in STRATEGIES.values()]))
        @settings(max_examples=100, deadline=None, database=None)
        def refused(case: Case) -> None:
            assert 400 <= send(case).exchange.status < 500

        refused()
        assert len(send.entries) >= 100


@given(VALID.cases)
@quickly
def test_a_valid_create_has_no_fault_in_our_eyes_nor_in_those_of_another(case: Case) -> None:
    assert case.creates
    assert case.key == MAIN
    assert create_faults(case.headers, case.body, CREATES) == ()
    headers = (*case.headers, ("Authorization", "Bearer main"))
    exchange = Exchange(case.method, f"{ORIGIN}{case.path}", headers, case.body, 0, (), b"")
    assert VOICE.request_problems(exchange) == ()


def test_valid_creates_cover_the_domain() -> None:
    bodies: list[dict[str, Any]] = []
    spellings: set[bytes] = set()

    @given(VALID.cases)
    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    def look(case: Case) -> None:
        bodies.append(body_of(case))
        spellings.add(case.body[:1])

    look()
    assert {body.get("duration") for body in bodies} == {6, 10, None}
    assert {body.get("mode") for body in bodies} == {"fun", "normal", "spicy", None}
    assert {body.get("quality") for body in bodies} == {"480p", "720p", None}
    assert {body["model"] for body in bodies} == {MODEL, *OPERATION.aliases}
    assert {"callback_url" in body for body in bodies} == {True, False}
    assert any(body.keys() - OPERATION.properties for body in bodies)
    assert any(not body["prompt"].isascii() for body in bodies)
    assert max(len(body["prompt"]) for body in bodies) > 5_000
    assert spellings == {b"{", b"\r"}


def test_the_mock_takes_every_valid_create() -> None:
    with sending() as send:

        @given(VALID.cases)
        @settings(max_examples=25, deadline=None, database=None)
        def taken(case: Case) -> None:
            assert send(case).exchange.status == 200

        taken()


@given(STRATEGIES["an id with another prefix"].cases, STRATEGIES["an unknown id"].cases)
@quickly
def test_ids_have_the_prefix_that_they_say(other: Case, unknown: Case) -> None:
    assert not unquote(other.path.removeprefix("/v1/tasks/")).startswith("task-unified-")
    assert unknown.path.startswith("/v1/tasks/task-unified-")
    assert int(unknown.path.split("-")[2]) <= 10**9  # before there was the service


def test_where_any_key_is_taken_no_wrong_one_is_drawn() -> None:
    careless = free_strategies(SPEC, replace(SUBJECT, any_key=True))
    assert {one.name for one in careless} == STRATEGIES.keys() - {"a wrong key"}


def test_an_operation_without_a_callback_has_no_strategies_of_callbacks() -> None:
    bare = replace(OPERATION, callback=None)
    names = {
        one.name for one in free_strategies(replace(SPEC, creates={("POST", CREATE): {MODEL: bare}}), SUBJECT)
    }
    assert names == {name for name in STRATEGIES if not name.startswith("a callback")}


@given(STRATEGIES["a field is missing"].cases)
@quickly
def test_optional_fields_come_and_go_when_a_required_one_is_missing(case: Case) -> None:
    assert not json.loads(case.body).keys() >= BODY.keys()
