"""Runs Schemathesis, which generates requests from the schema and has its own checks of responses.

It sends nothing itself: its transport is replaced by an adapter that turns each request into a `Case`. A failure is
reported only if the documents are unambiguous and no rule reports a violation by the same exchange.
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
    """The results of Schemathesis: findings by clause, with the numbers of entries, and how many requests were sent.

    `ended` says in one line why it was cut short; empty if it was not.
    """

    findings: Mapping[str, tuple[Finding, ...]]
    sent: int
    ended: str = ""


def run_schemathesis(
    spec: Spec, send: Send, violations: Violations, effort: Effort, *, creates: int = 0
) -> SchemathesisFindings:
    """Send the requests of its coverage phase and its strategies, one after the other.

    `creates` 0: requests that must be refused, and queries. Otherwise: creates of at most that many tasks, and the
    requests that the links in the documents describe.
    """
    from evolink_check.fuzzing.schemathesis_search import SchemathesisSearch

    search = SchemathesisSearch(spec, send, violations, effort, creates)
    ended = search.run()
    findings: dict[str, tuple[Finding, ...]] = {}
    for clause, entry, expected, seen in search.failures:
        finding = violation(entry.number, expected=expected, seen=seen)
        findings[clause] = (*findings.get(clause, ()), finding)
    return SchemathesisFindings(findings, search.sent, ended)


def with_findings(rules: Mapping[str, Rule], schemathesis: SchemathesisFindings) -> Mapping[str, Rule]:
    """The rules, with the findings of Schemathesis added."""
    extended = {
        clause: _extended(rules.get(clause, _no_findings), findings)
        for clause, findings in schemathesis.findings.items()
    }
    return {**rules, **extended}


def _extended(rule: Rule, findings: tuple[Finding, ...]) -> Rule:
    return lambda view: [*rule(view), *findings]


def _no_findings(_: TraceView) -> tuple[Any, ...]:
    return ()
