"""Schemathesis, asked for what it is good at: values that a schema suggests, and its own idea of a right answer.

It sends nothing itself: a door of ours stands in the place of its transport, makes a `Case` of each request, and lets
pass what may be sent. Its complaints are taken only where the documents leave no doubt, and only where our own rules
have none about the same exchange.
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
    """Send what its coverage phase and its strategies generate, one after the other.

    Without `creates` that is what is surely refused, and queries; with, what makes tasks, so many at most, and what
    the links of the documents lead to from there.
    """
    from evolink_check.fuzzing.schemathesis_runner import SchemathesisRunner

    explorer = SchemathesisRunner(spec, send, violations, effort, creates)
    ended = explorer.run()
    found: dict[str, tuple[Finding, ...]] = {}
    for clause, entry, expected, seen in explorer.complaints:
        found[clause] = (*found.get(clause, ()), violation(entry.number, expected=expected, seen=seen))
    return SchemathesisFindings(found, explorer.sent, ended)


def with_findings(rules: Mapping[str, Rule], strange: SchemathesisFindings) -> Mapping[str, Rule]:
    """The rules, which also tell what was found here."""
    more = {
        clause: _telling(rules.get(clause, _nothing), found) for clause, found in strange.findings.items()
    }
    return {**rules, **more}


def _telling(rule: Rule, found: tuple[Finding, ...]) -> Rule:
    return lambda reading: [*rule(reading), *found]


def _nothing(_: TraceView) -> tuple[Any, ...]:
    return ()
