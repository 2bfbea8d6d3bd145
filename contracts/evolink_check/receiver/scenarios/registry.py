"""The registry of scenarios: one function for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.harness.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from evolink_check.receiver.scenario_driver import ScenarioDriver

    ScenarioFunction = Callable[[ScenarioDriver], Awaitable[None]]

_PLAYS: dict[str, tuple[Scenario, ScenarioFunction]] = {}
FIRST = "completed"  # a receiver that does not accept this one is not called again
# These run when nothing else goes on: a 404 would end what follows another scenario, and a burst is timed.
ALONE = frozenset({"api-404", "burst"})
NEEDS_SECRET = frozenset({"secret-wrong", "secret-missing"})


def scenario(id_: str, about: str) -> Callable[[ScenarioFunction], ScenarioFunction]:
    """Register a function that runs a scenario. Scenarios run in the order of registration."""

    def register(function: ScenarioFunction) -> ScenarioFunction:
        _PLAYS[id_] = (Scenario(id_, about, expected="either"), function)
        return function

    return register


def scenarios() -> tuple[Scenario, ...]:
    """All scenarios, in the order in which they run."""
    return tuple(scenario for scenario, _ in _PLAYS.values())


def scenario_functions() -> Mapping[str, ScenarioFunction]:
    """The function of each scenario."""
    return {id_: function for id_, (_, function) in _PLAYS.items()}
