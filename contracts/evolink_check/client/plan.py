"""The plan of a suite: the client, the scenarios, the mock, and the limits."""

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
MARGIN = 15.0  # seconds from the client's own deadline to the time limit
HANGING = 50.0  # seconds more if a response never comes: a request may time out after the deadline
_USUAL, _ENDLESS = 2.5, 25.0  # seconds that a run probably takes; with an endless task and without a deadline
_START = 3.0  # seconds until the first run starts
_SEPARATE_FROM = 4  # jobs: with fewer, scenarios that mostly wait are not run in addition to the others


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """The plan of a suite. `mock` is the URL of a running mock; if it is empty, a mock is started, with `seed`.

    `limit` is the time limit of a run in seconds; None: it follows from the client's deadline. `keep` is a folder for
    the output and the requests of each run. `environment` is passed to the command if the mock was already running.
    `documents` are passed as --spec to a mock that is started. `fails_fast` decides which runs end the suite. Setting
    `stop` ends the running commands; no others are started.
    """

    description: Description
    scenarios: tuple[Scenario, ...]
    spec: Spec
    clauses: tuple[Clause, ...]
    jobs: int = 8
    mock: str = ""
    seed: int | None = None
    limit: float | None = None
    keep: Path | None = None
    environment: Mapping[str, str] | None = None
    documents: tuple[Path, ...] = ()
    fails_fast: Callable[[ScenarioRun], bool] = lambda _: False
    stop: Event = field(default_factory=Event, repr=False, compare=False)
    rare_queries: Event = field(default_factory=Event, repr=False, compare=False)

    def limit_of(self, scenario: Scenario) -> float:
        """The time limit of a run. It exceeds the client's own deadline, and the time-out of a request after it."""
        if self.limit is not None:
            return self.limit
        usual = max(SHORTEST, (self.description.deadline or 0.0) + MARGIN)
        return usual + (HANGING if scenario.hangs else 0.0)

    @property
    def waiting_workers(self) -> int:
        """The number of scenarios that mostly wait and run at the same time, in addition to `jobs` others."""
        is_separate = not self.mock and self.jobs >= _SEPARATE_FROM
        return min(self.jobs, sum(map(mostly_waits, self.scenarios))) if is_separate else 0

    @property
    def forecast(self) -> float:
        """The estimated duration of the suite in seconds."""
        wait = self.description.deadline or _ENDLESS
        long = wait * sum(map(mostly_waits, self.scenarios))
        short = _USUAL * sum(not mostly_waits(scenario) for scenario in self.scenarios)
        if self.waiting_workers:
            return _START + max(wait, long / self.waiting_workers, short / self.jobs)
        return _START + max(wait if long else 0.0, (long + short) / max(1, self.jobs))


def mostly_waits(scenario: Scenario) -> bool:
    """Whether the client spends most of a scenario waiting for its deadline, or for the time-out of a request."""
    return scenario.endless or scenario.hangs


def without_inapplicable(plan: SuitePlan) -> SuitePlan:
    """The plan, without the scenarios about callbacks if the client has no callback receiver."""
    applicable = (
        scenario for scenario in plan.scenarios if plan.description.is_called_back or not scenario.calls
    )
    return replace(plan, scenarios=tuple(applicable))
