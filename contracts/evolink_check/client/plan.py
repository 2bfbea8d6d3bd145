"""The plan of a suite. A suite checks one client in many scenarios."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.client.verdicts.verdicts import ScenarioRun

SHORTEST = 25.0  # minimum time limit of a run, in seconds
MARGIN = 15.0  # seconds by which the time limit exceeds the client's own deadline
HANGING = 50.0  # seconds added if a response never comes, because requests may time out after the deadline
_USUAL = 2.5  # estimated seconds of most runs
_ENDLESS = 25.0  # estimated seconds of a run that mostly waits, if the client has no deadline
_START = 3.0  # seconds until the first run starts
_DOUBLED_FROM = 4  # from this many jobs on, up to twice as many scenarios run, because clients mostly wait


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """The client, the scenarios, the mock and the limits of a suite."""

    description: Description
    scenarios: tuple[Scenario, ...]
    spec: Spec
    clauses: tuple[Clause, ...]
    jobs: int = 8  # how many scenarios run at once; `additional_workers` scenarios run in addition
    mock: str = ""  # the URL of a running mock; if empty, a mock is started with `seed`
    seed: int | None = None
    limit: float | None = None  # seconds of a run; if None, the limit is derived from the client's deadline
    keep: Path | None = None  # a folder for the output and the requests of each run
    environment: Mapping[str, str] | None = None  # the variables of the command, if `mock` is set
    documents: tuple[Path, ...] = ()  # passed as --spec to a mock that is started
    only_documents: tuple[Path, ...] = ()  # passed as --only-spec to a mock that is started
    # Called after each run. If it returns True, no more scenarios are started.
    fails_fast: Callable[[ScenarioRun], bool] = lambda _: False
    # Setting this ends the running commands and prevents new ones.
    stop: Event = field(default_factory=Event, repr=False, compare=False)
    # Set when a client has sent so few queries that none of them got the unusual response of the scenario. From then
    # on, the mock gives the unusual response of every scenario to the first query.
    rare_queries: Event = field(default_factory=Event, repr=False, compare=False)

    def limit_of(self, scenario: Scenario) -> float:
        """Return the time limit of a run in seconds.

        If `limit` is None, the time limit is longer than the client's own deadline.
        """
        if self.limit is not None:
            return self.limit
        usual = max(SHORTEST, (self.description.deadline or 0.0) + MARGIN)
        # If a response never comes, the client's request may time out after the deadline.
        return usual + (HANGING if scenario.hangs else 0.0)

    @property
    def additional_workers(self) -> int:
        """How many scenarios run at once in addition to `jobs` scenarios."""
        # The machine can run additional scenarios: clients spend most of their time waiting.
        is_doubled = not self.mock and self.jobs >= _DOUBLED_FROM
        return min(self.jobs, max(0, len(self.scenarios) - self.jobs)) if is_doubled else 0

    @property
    def forecast(self) -> float:
        """The estimated duration of the suite in seconds."""
        wait = self.description.deadline or _ENDLESS
        long = wait * sum(map(mostly_waits, self.scenarios))
        short = _USUAL * sum(not mostly_waits(scenario) for scenario in self.scenarios)
        workers = max(1, self.jobs + self.additional_workers)
        return _START + max(wait if long else 0.0, (long + short) / workers)


def mostly_waits(scenario: Scenario) -> bool:
    """Whether a client spends most of the scenario's duration waiting.

    For example, the client waits until its own deadline.
    """
    return scenario.endless or scenario.hangs


def without_inapplicable(plan: SuitePlan) -> SuitePlan:
    """Return the plan with the scenarios that apply to the client.

    If the client accepts no callbacks, scenarios about callbacks do not apply.
    """
    applicable = (
        scenario for scenario in plan.scenarios if plan.description.is_called_back or not scenario.calls
    )
    return replace(plan, scenarios=tuple(applicable))
