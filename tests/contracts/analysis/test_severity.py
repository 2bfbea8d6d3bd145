"""The severity of a violation: that of its clause, or less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Finding, Strictness, Verdict, judge, passed, violation
from evolink_check.traffic.trace import Trace
from evolink_spec import load
from evolink_spec.clauses import Severity, load_clauses

CLAUSE = next(clause for clause in load_clauses() if clause.id == "client.checks-result")
GRAVE = violation(expected="a", seen="b")
SLIGHT = violation(expected="a", seen="c", severity="warning")


def verdict(*findings: Finding, severity: Severity = "failure") -> Verdict:
    clause = replace(CLAUSE, severity=severity)
    (judged,) = judge(TraceView(Trace(()), load()), [clause], {clause.id: lambda _: findings})
    return judged


@pytest.mark.parametrize(
    ("findings", "severity", "status"),
    [
        ((GRAVE,), "failure", "failed"),
        ((GRAVE, SLIGHT), "failure", "failed"),
        ((SLIGHT, passed()), "failure", "warning"),
        ((GRAVE,), "warning", "warning"),
        ((passed(),), "failure", "passed"),
    ],
)
def test_the_worst_violation_decides(findings: tuple[Finding, ...], severity: Severity, status: str) -> None:
    assert verdict(*findings, severity=severity).status == status


def test_warnings_fail_a_strict_run_only_and_never_those_of_lowered_clauses() -> None:
    slight, grave = verdict(SLIGHT), verdict(GRAVE)
    strict = Strictness(strict=True)
    lowered = Strictness(strict=True, lowered=frozenset({CLAUSE.id}))
    assert [rule.fails(slight) for rule in (Strictness(), strict, lowered)] == [False, True, False]
    assert [rule.fails(grave) for rule in (Strictness(), strict)] == [True, True]
