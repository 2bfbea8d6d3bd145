"""The registry of the scenarios, with one function for each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.harness.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from evolink_check.receiver.scenario_driver import ScenarioDriver

    ScenarioFunction = Callable[[ScenarioDriver], Awaitable[None]]

_PLAYS: dict[str, tuple[Scenario, ScenarioFunction]] = {}
FIRST = "completed"  # if the receiver does not accept the callback of this scenario, no other scenario is run
# These scenarios start when the deferred parts of earlier scenarios have ended. Otherwise, the 404s in `api-404` would
# disturb the queries of these parts, and these parts would disturb the measurement of time in `burst`.
ALONE = frozenset({"api-404", "burst"})
NEEDS_REGISTER = frozenset(
    {"before-create"}
)  # for receivers that accept only callbacks about tasks that they know
NEEDS_SECRET = frozenset({"secret-wrong", "secret-missing"})


def scenario(id_: str, about: str) -> Callable[[ScenarioFunction], ScenarioFunction]:
    """Register the decorated function, which runs a scenario. Scenarios run in the order of registration.

    `about` describes the scenario in one sentence.
    """

    def register(function: ScenarioFunction) -> ScenarioFunction:
        _PLAYS[id_] = (Scenario(id_, about, expected="either"), function)
        return function

    return register


def scenarios() -> tuple[Scenario, ...]:
    """Return all scenarios in the order in which they run."""
    return tuple(scenario for scenario, _ in _PLAYS.values())


def scenario_functions() -> Mapping[str, ScenarioFunction]:
    """Map the id of each scenario to the function that runs it."""
    return {id_: function for id_, (_, function) in _PLAYS.items()}
