"""The registry of the scenarios, with one function for each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.harness.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from evolink_check.receiver.scenario_driver import ScenarioDriver

    ScenarioFunction = Callable[[ScenarioDriver], Awaitable[None]]

_PLAYS: dict[str, tuple[Scenario, ScenarioFunction]] = {}
FIRST = "completed"  # a receiver that does not accept this callback gets no other
# These scenarios wait until the deferred parts of others have ended: a 404 would spoil their queries, and a burst is
# timed.
ALONE = frozenset({"api-404", "burst"})
NEEDS_REGISTER = frozenset(
    {"before-create"}
)  # for receivers that know only the tasks in a table of their own
NEEDS_SECRET = frozenset({"secret-wrong", "secret-missing"})


def scenario(id_: str, about: str) -> Callable[[ScenarioFunction], ScenarioFunction]:
    """Register a function that runs a scenario. Scenarios run in the order of registration."""

    def register(function: ScenarioFunction) -> ScenarioFunction:
        _PLAYS[id_] = (Scenario(id_, about, expected="either"), function)
        return function

    return register


def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios in the order in which they run."""
    return tuple(scenario for scenario, _ in _PLAYS.values())


def scenario_functions() -> Mapping[str, ScenarioFunction]:
    """Return the function of each scenario by its id."""
    return {id_: function for id_, (_, function) in _PLAYS.items()}
