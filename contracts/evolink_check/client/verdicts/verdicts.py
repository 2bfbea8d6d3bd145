"""A run is judged clause by clause, and the runs of a battery together. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, judge
from evolink_check.client.verdicts.outcome_rules import EXPLAINS, told
from evolink_check.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Rule, Status
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenarios import Scenario
    from evolink_check.traffic.trace import Trace

_WORST: tuple[Status, ...] = ("failed", "warning", "passed", "not observed")


@dataclass(frozen=True, slots=True)
class ScenarioRun:
    """One scenario: what the client sent and how it ended, with a verdict for each clause that binds a client.

    `problem` says why there is nothing to judge; then there are no verdicts.
    """

    scenario: Scenario
    trace: Trace
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    problem: str = ""
    note: str = ""

    @property
    def violations(self) -> tuple[Verdict, ...]:
        """The verdicts that say something against the client."""
        return tuple(one for one in self.verdicts if one.violations)


def verdicts_of(
    trace: Trace, outcome: Outcome, scenario: Scenario, clauses: Iterable[Clause], spec: Spec
) -> tuple[Verdict, ...]:
    """What one run says of each clause: first what is on the wire, then what that leaves unexplained of its end."""
    reading, clauses = TraceView(trace, spec), tuple(clauses)
    wire = {
        clause.id: tuple(RULES[clause.id](reading)) if scenario.speaks_of(clause.id) else ()
        for clause in clauses
        if clause.id in RULES
    }
    if outcome.end == "killed":  # it might have asked yet
        wire["client.no-abandon"] = tuple(one for one in wire["client.no-abandon"] if one.passed)
    explained = any(not one.passed for id_ in EXPLAINS & wire.keys() for one in wire[id_])
    found = {id_: list(findings) for id_, findings in wire.items()}
    for id_, finding in told(reading, outcome, scenario, explained=explained):
        found.setdefault(id_, []).append(finding)
    rules = {id_: _given(findings) for id_, findings in found.items()}
    return judge(reading, clauses, rules)


def _given(findings: Sequence[Finding]) -> Rule:
    return lambda _: findings


def together(runs: Iterable[ScenarioRun], clauses: Iterable[Clause]) -> tuple[Verdict, ...]:
    """What all runs say of each clause: the worst of them, with every violation."""
    by_clause: dict[str, list[Verdict]] = {}
    for run in runs:
        for one in run.verdicts:
            by_clause.setdefault(one.clause.id, []).append(one)
    return tuple(_together(clause, by_clause.get(clause.id, [])) for clause in clauses)


def _together(clause: Clause, verdicts: Sequence[Verdict]) -> Verdict:
    words = {one.status for one in verdicts}
    word: Status = next((word for word in _WORST if word in words), "not observed")
    violations = tuple(violation for one in verdicts for violation in one.violations)
    observations, omitted = sum(one.observations for one in verdicts), sum(one.omitted for one in verdicts)
    return Verdict(clause, word, observations, violations, omitted=omitted)
