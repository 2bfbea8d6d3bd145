"""The result of a suite as one record, from which all reports are made."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from evolink_check.analysis.requirements import shortfalls
from evolink_check.analysis.verdicts import NOT_STRICT
from evolink_check.reports import formatting
from evolink_check.reports.baseline import normalized
from evolink_check.reports.evidence import redact_shortened, redact_verdict
from evolink_check.reports.model import COULD_NOT_RUN, FAILED, PASSED
from evolink_check.reports.needs import NO_CONDITIONS

if TYPE_CHECKING:
    from evolink_check.analysis.requirements import Requirement
    from evolink_check.analysis.verdicts import Status, Strictness, Verdict
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.needs import Conditions


_DETAIL = re.compile(r" \(without .*\)$")


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of one suite. Secrets are removed when the record is created."""

    command: str  # the command line of the client
    runs: tuple[ScenarioRun, ...]
    verdicts: tuple[Verdict, ...]  # one for each clause that was checked, over all runs
    started: float  # in Unix seconds
    seconds: float  # the duration of the suite
    seed: int | None = None
    strictness: Strictness = NOT_STRICT
    notes: tuple[str, ...] = ()
    cut_short: str = ""  # why the suite ended early; empty if the suite ran to its end
    subject: Literal["client", "receiver"] = "client"  # what was checked
    requirements: tuple[Requirement, ...] = ()
    conditions: Conditions = NO_CONDITIONS

    def __post_init__(self) -> None:
        plain = {
            "command": redact_shortened(self.command),
            "runs": tuple(map(_redact_run, self.runs)),
            "verdicts": tuple(map(redact_verdict, self.verdicts)),
            "notes": tuple(map(redact_shortened, self.notes)),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    @property
    def observed(self) -> tuple[Verdict, ...]:
        """The verdicts on clauses that were observed."""
        return tuple(verdict for verdict in self.verdicts if verdict.status != "not observed")

    @property
    def against(self) -> tuple[Verdict, ...]:
        """The verdicts with violations. Failures come before warnings."""
        return tuple(verdict for verdict in formatting.ordered(self.verdicts) if verdict.violations)

    @property
    def counts(self) -> dict[Status, int]:
        """The number of clauses with each status."""
        return formatting.counts(self.verdicts)

    @property
    def unrun(self) -> tuple[ScenarioRun, ...]:
        """The runs that could not be judged."""
        return tuple(run for run in self.runs if run.problem)

    @property
    def problems(self) -> dict[str, list[str]]:
        """The reasons why runs could not be judged.

        Each reason has the ids of its scenarios.
        """
        problems: dict[str, list[str]] = {}
        for run in self.unrun:
            problems.setdefault(run.problem, []).append(run.scenario.id)
        return problems

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes on the suite, and then the notes on its runs."""
        return (*self.notes, *(f"{run.scenario.id}: {run.note}" for run in self.runs if run.note))

    def violations(self, verdict: Verdict) -> list[Violation]:
        """Return the different violations of a clause.

        Each violation has the ids of its scenarios.
        """
        findings = (
            (run.scenario.id, finding)
            for run in self.runs
            for other in run.violations
            if other.clause == verdict.clause
            for finding in other.violations
        )
        return formatting.grouped(findings, cause=_cause)

    def run_of(self, scenario: str) -> ScenarioRun:
        """Return the run of the scenario with this id."""
        return next(run for run in self.runs if run.scenario.id == scenario)

    def fails(self, verdict: Verdict) -> bool:
        """Whether this verdict makes the suite fail."""
        return self.strictness.fails(verdict)

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """One line for each requirement of --require that is not met."""
        return shortfalls(self.requirements, self.verdicts)

    @property
    def exit_status(self) -> int:
        """0 if the suite passed, and 1 if it failed.

        The exit status is 2 if a scenario could not be judged. The exit status is 2 if no scenario was run. If both 1
        and 2 apply, the exit status is 1.
        """
        if any(map(self.fails, self.verdicts)) or self.shortfalls:
            return FAILED
        return COULD_NOT_RUN if self.unrun or not self.runs else PASSED

    @property
    def headline(self) -> str:
        """One line with the score.

        If a requirement of --require is not met, the line begins with the reason. The score follows.
        """
        return "; ".join([*self.shortfalls[:1], self.score])

    @property
    def score(self) -> str:
        """The number of passed clauses and further counts, in one line."""
        passed, observed = self.counts["passed"], len(self.observed)
        line = f"{passed} of {observed} rules passed in {len(self.runs)} scenarios"
        unrun = f"; {len(self.unrun)} could not run" if self.unrun else ""
        return f"{line}{unrun}{f' ({self.cut_short})' if self.cut_short else ''}"


def _cause(text: str) -> str:
    # Without numbers and the names of missing fields, equal faults have equal texts.
    return normalized(_DETAIL.sub("", text))


def _redact_run(run: ScenarioRun) -> ScenarioRun:
    verdicts = tuple(map(redact_verdict, run.verdicts))
    return replace(run, verdicts=verdicts, problem=redact_shortened(run.problem))
