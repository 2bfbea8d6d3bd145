"""What a battery has found, as one record: everything that a terminal, a file or a page shows of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.reports.model import COULD_NOT_RUN, FAILED, PASSED

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.verdicts.verdicts import ScenarioRun


@dataclass(frozen=True, slots=True)
class Summary:
    """One battery. `verdicts` are those of all runs together, one a clause that binds a client.

    `command` is the client's, in one line. `started` is Unix seconds. `strict`: advice counts like the rest.
    """

    command: str
    runs: tuple[ScenarioRun, ...]
    verdicts: tuple[Verdict, ...]
    started: float
    seconds: float
    seed: int | None = None
    strict: bool = False
    notes: tuple[str, ...] = ()

    @property
    def observed(self) -> tuple[Verdict, ...]:
        """The clauses of which something was seen."""
        return tuple(one for one in self.verdicts if one.status != "not observed")

    @property
    def against(self) -> tuple[Verdict, ...]:
        """The clauses with violations: failed ones first, then warnings."""
        return tuple(
            sorted((one for one in self.verdicts if one.violations), key=lambda one: one.status != "failed")
        )

    @property
    def passed(self) -> int:
        """How many clauses passed."""
        return sum(one.status == "passed" for one in self.verdicts)

    @property
    def unrun(self) -> tuple[ScenarioRun, ...]:
        """The scenarios in which there was nothing to judge."""
        return tuple(run for run in self.runs if run.problem)

    def fails(self, verdict: Verdict) -> bool:
        """Whether the battery fails for a verdict."""
        return verdict.fails or (self.strict and bool(verdict.violations))

    @property
    def exit_status(self) -> int:
        """0 passed, 1 failed, 2 could not run: a scenario, or all of them, had nothing to judge."""
        if any(map(self.fails, self.verdicts)):
            return FAILED
        return COULD_NOT_RUN if self.unrun or not self.runs else PASSED

    @property
    def score(self) -> str:
        """All of it in a line."""
        told = f"{self.passed} of {len(self.observed)} rules passed in {len(self.runs)} scenarios"
        return f"{told}; {len(self.unrun)} could not run" if self.unrun else told
