"""Write the result of a suite as JUnit XML.

Each scenario is a test suite. Each observed clause is a test case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.reports.junit import Case, Suite, shortfall_cases, write

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun


def to_junit(summary: Summary) -> bytes:
    """Return the XML document.

    If all violations are warnings, the test case passes and lists them. With `--strict`, the test case fails. If
    `--warn` names the clause, the test case passes even with `--strict`.
    """
    suites = [_suite(run, summary) for run in summary.runs]
    if summary.shortfalls:
        suites.append(Suite("--require", shortfall_cases(summary.shortfalls), summary.started, 0.0))
    return write(suites, summary.seconds)


def _suite(run: ScenarioRun, summary: Summary) -> Suite:
    cases = [_case(verdict, run, summary) for verdict in run.verdicts if verdict.status != "not observed"]
    if run.problem:
        cases.insert(0, Case(run.scenario.id, "runs", "error", run.problem))
    return Suite(run.scenario.id, cases, run.outcome.began, run.outcome.ended - run.outcome.began)


def _case(verdict: Verdict, run: ScenarioRun, summary: Summary) -> Case:
    clause = verdict.clause
    if not verdict.violations:
        return Case(run.scenario.id, clause.id, severity=clause.severity)
    lines = [f"expected {finding.expected}; seen {finding.seen}" for finding in verdict.violations]
    text = "\n".join([clause.rule, *lines, ADVICE[clause.id]])
    if summary.fails(verdict):
        first = min(verdict.violations, key=lambda finding: finding.severity == "warning")
        return Case(run.scenario.id, clause.id, "failure", first.seen, text, clause.severity)
    return Case(run.scenario.id, clause.id, text=text, severity=clause.severity)
