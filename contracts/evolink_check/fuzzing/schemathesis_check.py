"""Run Schemathesis, which generates requests and has its own checks of responses.

Each request is converted to a `Case` and sent like all other requests. A failed check is reported if it violates a
clause. A violation that evolink-check found in the same exchange takes precedence.
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
    """The findings of Schemathesis by the id of the clause."""

    findings: Mapping[str, tuple[Finding, ...]]
    sent: int  # the number of requests
    ended: str = ""  # why the search was cut short; empty if it was complete


def run_schemathesis(
    spec: Spec, send: Send, violations: Violations, effort: Effort, *, creates: int = 0
) -> SchemathesisFindings:
    """Send the requests of Schemathesis' coverage phase, and then those of its strategies.

    If `creates` is 0, the requests are queries and invalid create requests. If `creates` is above 0, the requests are
    valid create requests and queries. At most `creates` tasks are created.
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
    """Return rules that yield the findings of Schemathesis, too. Rules are functions that judge a clause."""
    extended = {
        clause: _extended(rules.get(clause, _no_findings), findings)
        for clause, findings in schemathesis.findings.items()
    }
    return {**rules, **extended}


def _extended(rule: Rule, findings: tuple[Finding, ...]) -> Rule:
    return lambda view: [*rule(view), *findings]


def _no_findings(_: TraceView) -> tuple[Any, ...]:
    return ()
