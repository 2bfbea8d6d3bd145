"""The scenarios that follow from the schemas, and faults that come too late."""

from __future__ import annotations

from evolink_check.client.harness.documented_fields import fields_of, pairs_of
from evolink_check.client.harness.scenario import Scenario, on_query
from evolink_check.client.harness.scenarios import scenarios
from evolink_spec import load

SPEC = load()
CREATE = next(iter(next(iter(SPEC.creates.values())).values()))
ALL = scenarios(SPEC)
KNOWN = {scenario.id: scenario for scenario in ALL}


def omitted(operation: str) -> set[str]:
    recipes = [order.recipe for one in ALL for order in one.orders if order.operation == operation]
    words = [word for recipe in recipes for step in recipe.split(", ") for word in step.split("+")]
    return {name for word in words if word.startswith("omit=") for name in word[5:].split("/")}


def test_every_documented_field_is_missing_in_a_scenario() -> None:
    assert omitted("create") >= fields_of(SPEC, CREATE, CREATE.success).keys()
    assert omitted("query") >= fields_of(SPEC, SPEC.query, SPEC.query.success).keys()
    assert omitted("create") >= {"error", "error.code", "error.message", "error.type"}


def test_what_may_be_null_is_null_in_a_scenario() -> None:
    nullable = [name for name, null in fields_of(SPEC, SPEC.query, SPEC.query.success).items() if null]
    assert nullable == ["error"]
    assert "null=error" in {order.recipe for order in KNOWN["null-error"].orders}


def test_no_pair_contains_a_field_and_its_parent() -> None:
    names = ["a", "b", "b.c", "b.d", "e"]
    pairs = pairs_of(names)
    assert sorted(name for pair in pairs for name in pair) == names
    assert not any(len(pair) == 2 and pair[1].startswith(f"{pair[0]}.") for pair in pairs)


def test_a_fault_comes_too_late_for_a_client_that_queries_rarely() -> None:
    scenario = Scenario("x", "X.", on_query("ok*2, 500"))
    assert [scenario.comes_too_late(queries) for queries in (0, 1, 2, 3)] == [False, True, True, False]
    assert scenario.at_once.orders == on_query("500")
    assert not scenario.at_once.comes_too_late(1)
    assert not Scenario("x", "X.", on_query("status=archived", None)).comes_too_late(1)


def test_ids_are_unique_and_abouts_are_sentences() -> None:
    assert len(KNOWN) == len(ALL) > 95
    assert all(one.about.endswith(".") for one in ALL)
