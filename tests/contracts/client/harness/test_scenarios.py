"""The scenarios are complete, and each is an order that the mock takes."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from evolink_check.client.harness.scenario import Scenario
from evolink_check.client.harness.scenarios import scenarios, select
from evolink_check.client.verdicts.outcome_rules import EXPLAINS
from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.rules import RULES
from evolink_mock.recipes.assignments import assign
from evolink_mock.service.service import Service
from evolink_mock.settings import Settings
from evolink_spec import load
from evolink_spec.clauses import load_clauses

SPEC = load()
ALL = scenarios(SPEC)
IDS = [one.id for one in ALL]
CLAUSES = {one.id for one in load_clauses() if one.binds == "client"}
RECEIVER = {one.id for one in load_clauses() if one.binds == "receiver"}
SERVICE = Service(SPEC, Settings())


def test_an_id_is_given_once() -> None:
    assert len(set(IDS)) == len(IDS)


def test_every_documented_error_has_a_scenario() -> None:
    create = next(iter(next(iter(SPEC.creates.values())).values()))
    wanted = {f"create-{status}" for status in create.errors} | {
        f"query-{status}" for status in SPEC.query.errors
    }
    assert wanted <= set(IDS)


def test_every_documented_failure_has_a_scenario() -> None:
    assert {f"fail-{one.code.replace('_', '-')}" for one in SPEC.failures} <= set(IDS)


@pytest.mark.parametrize("scenario", ALL, ids=IDS)
def test_the_mock_takes_every_order(scenario: Scenario) -> None:
    for order in scenario.orders:
        account = SERVICE.anonymous
        account.assigned = None
        fault = assign(account, SERVICE.registry, order.recipe, times=order.times, operation=order.operation)
        assert fault is None, order
    assert scenario.about.endswith(".")


@pytest.mark.parametrize("scenario", ALL, ids=IDS)
def test_what_a_scenario_is_silent_of_are_clauses_of_a_client(scenario: Scenario) -> None:
    assert scenario.mute | scenario.only <= CLAUSES


def test_a_scenario_speaks_of_all_but_what_it_is_silent_of() -> None:
    assert Scenario("x", "X.").judges("auth.header")
    assert not Scenario("x", "X.", mute=frozenset({"auth.header"})).judges("auth.header")
    assert not Scenario("x", "X.", only=frozenset({"client.no-crash"})).judges("auth.header")


def test_there_is_advice_for_every_clause_of_a_client() -> None:
    assert ADVICE.keys() == CLAUSES | RECEIVER
    assert all(text.endswith(".") for text in ADVICE.values())


def test_what_explains_an_end_is_a_rule_of_the_wire() -> None:
    assert RULES.keys() >= EXPLAINS


def test_a_name_means_all_that_begin_so_or_match() -> None:
    assert {one.id for one in select(ALL, ["query-"], [])} == {id_ for id_ in IDS if id_.startswith("query-")}
    found = {one.id for one in select(ALL, ["*-drop", "happy"], ["query-*"])}
    assert found == {"create-drop", "happy"}
    assert select(ALL, [], []) == ALL
    assert not any(fnmatchcase(one.id, "fail-*") for one in select(ALL, [], ["fail-"]))


@pytest.mark.parametrize(("names", "skipped"), [(["sunny"], []), ([], ["callbacks"]), ([""], []), ([], [""])])
def test_a_name_that_means_nothing_is_an_error(names: list[str], skipped: list[str]) -> None:
    with pytest.raises(ValueError, match="there is no scenario"):
        select(ALL, names, skipped)


def test_a_name_that_is_nearly_one_is_told() -> None:
    with pytest.raises(ValueError, match=r"no scenario 'hapy' \(did you mean happy\?\)"):
        select(ALL, ["hapy"], [])


def test_a_name_that_is_similar_to_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"no scenario 'sunny'; the nearest are [a-z0-9-]+, [a-z0-9-]+, [a-z0-9-]+$"
    ):
        select(ALL, ["sunny"], [])
