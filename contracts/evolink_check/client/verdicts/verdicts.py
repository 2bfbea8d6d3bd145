"""Judge a run clause by clause, and combine the verdicts of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, judge
from evolink_check.client.harness.outcome import describe_crash
from evolink_check.client.verdicts.outcome_rules import EXPLAINS, judge_end
from evolink_check.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Rule, Status
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.traffic.trace import Trace

_ABANDONS = frozenset(
    {"client.no-abandon", "client.reports-success"}
)  # clients that need a missing field violate these clauses
_SEVERITY: tuple[Status, ...] = ("failed", "warning", "passed", "not observed")


@dataclass(frozen=True, slots=True)
class ScenarioRun:
    """One run of a scenario, with a verdict on each clause."""

    scenario: Scenario
    trace: Trace
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    problem: str = ""  # why the run could not be judged; if it is not empty, there are no verdicts
    note: str = ""  # a note for the user, such as that the client also sent another API key

    def count_queries(self, path: str) -> int:
        """Return how many queries the client sent.

        `path` is the documented path of a query, such as `/v1/tasks/{task_id}`.
        """
        prefix = path.partition("{")[0]
        urls = (entry.exchange.url for entry in self.trace.entries if entry.kind == "exchange")
        return sum(urlsplit(url).path.find(prefix) >= 0 for url in urls)

    @property
    def violations(self) -> tuple[Verdict, ...]:
        """The verdicts with violations."""
        return tuple(verdict for verdict in self.verdicts if verdict.violations)


def verdicts_of(
    trace: Trace, outcome: Outcome, scenario: Scenario, clauses: Iterable[Clause], spec: Spec
) -> tuple[Verdict, ...]:
    """Judge the traffic of one run, and how the client ended.

    If a violation in the traffic explains the end, the end adds no violation. A printed secret is always reported.
    """
    reading, clauses = TraceView(trace, spec), tuple(clauses)
    wire = {
        clause.id: tuple(RULES[clause.id](reading)) if scenario.judges(clause.id) else ()
        for clause in clauses
        if clause.id in RULES
    }
    crashed = scenario.lacks and describe_crash(outcome)  # a violation of `client.no-crash`
    if outcome.end == "killed" or crashed:  # a killed client might have sent another query
        abandoned = wire["client.no-abandon"]
        wire["client.no-abandon"] = tuple(finding for finding in abandoned if finding.passed)
    explained = any(not finding.passed for id_ in EXPLAINS & wire.keys() for finding in wire[id_])
    by_clause = {id_: list(findings) for id_, findings in wire.items()}
    for id_, finding in judge_end(reading, outcome, scenario, explained=explained):
        by_clause.setdefault(id_, []).append(finding)
    rules = {
        id_: _constant(_with_missing_fields(id_, findings, scenario)) for id_, findings in by_clause.items()
    }
    return judge(reading, clauses, rules)


def _with_missing_fields(clause: str, findings: Sequence[Finding], scenario: Scenario) -> Sequence[Finding]:
    if not scenario.lacks or clause not in _ABANDONS:
        return findings
    return [
        # The missing fields may have caused the violation.
        finding if finding.passed else finding._replace(seen=f"{finding.seen} (without {scenario.lacks})")
        for finding in findings
    ]


def _constant(findings: Sequence[Finding]) -> Rule:
    return lambda _: findings


def combine(runs: Iterable[ScenarioRun], clauses: Iterable[Clause]) -> tuple[Verdict, ...]:
    """Combine the verdicts of all runs. Each clause gets one verdict with the worst status and all violations."""
    by_clause: dict[str, list[Verdict]] = {}
    for run in runs:
        for verdict in run.verdicts:
            by_clause.setdefault(verdict.clause.id, []).append(verdict)
    return tuple(_worst(clause, by_clause.get(clause.id, [])) for clause in clauses)


def _worst(clause: Clause, verdicts: Sequence[Verdict]) -> Verdict:
    statuses = {verdict.status for verdict in verdicts}
    status: Status = next((status for status in _SEVERITY if status in statuses), "not observed")
    violations = tuple(violation for verdict in verdicts for violation in verdict.violations)
    observations = sum(verdict.observations for verdict in verdicts)
    omitted = sum(verdict.omitted for verdict in verdicts)
    return Verdict(clause, status, observations, violations, omitted=omitted)
