"""What Schemathesis finds: it generates requests from the schema, and has its own checks of a response.

It sends nothing itself: its transport is replaced by one that turns each request into a `Case`. Its failures are
reported only where the documents are unambiguous, and where no rule of ours covers the same exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import Spec

    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding, Rule
    from evolink_check.fuzzing.fuzzer import Send, Violations
    from evolink_check.settings import Effort


@dataclass(frozen=True, slots=True)
class SchemathesisFindings:
    """What Schemathesis found: findings by clause, with the numbers of entries; how many requests it sent.

    `ended` says in a line why it was cut short; empty when it was not.
    """

    findings: Mapping[str, tuple[Finding, ...]]
    sent: int
    ended: str = ""


def run_schemathesis(
    spec: Spec, send: Send, violations: Violations, effort: Effort, *, creates: int = 0
) -> SchemathesisFindings:
    """Send what its coverage phase and its strategies generate, one request after the other.

    Without `creates`: requests that must be refused, and queries. With it: creates of so many tasks at most, and the
    requests that the documents' links lead to from there.
    """
    from evolink_check.fuzzing.schemathesis_runner import SchemathesisRunner

    runner = SchemathesisRunner(spec, send, violations, effort, creates)
    ended = runner.run()
    findings: dict[str, tuple[Finding, ...]] = {}
    for clause, entry, expected, seen in runner.complaints:
        finding = violation(entry.number, expected=expected, seen=seen)
        findings[clause] = (*findings.get(clause, ()), finding)
    return SchemathesisFindings(findings, runner.sent, ended)


def with_findings(rules: Mapping[str, Rule], schemathesis: SchemathesisFindings) -> Mapping[str, Rule]:
    """The rules, extended by what Schemathesis found."""
    extended = {
        clause: _extended(rules.get(clause, _no_findings), findings)
        for clause, findings in schemathesis.findings.items()
    }
    return {**rules, **extended}


def _extended(rule: Rule, findings: tuple[Finding, ...]) -> Rule:
    return lambda view: [*rule(view), *findings]


def _no_findings(_: TraceView) -> tuple[Any, ...]:
    return ()
