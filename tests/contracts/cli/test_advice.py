"""What may help a user, in a run that went wrong."""

from __future__ import annotations

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, violation
from evolink_check.cli.advice import key_advice
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report
from evolink_check.traffic.trace import MAIN, WRONG
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import SPEC, Tracing

CLAUSE = next(clause for clause in load_clauses() if clause.id == "auth.bearer")


def report_of(who: str, status: int) -> Report:
    made = Tracing()
    made.exchange("GET", "/v1/credits", status, who=who)
    verdict = Verdict(CLAUSE, "failed", 1, (violation(0, expected="401", seen=str(status)),))
    return Report("api", "", Evidence(TraceView(made.trace(), SPEC)), (verdict,), (), 0.0, 1.0)


@pytest.mark.parametrize(
    ("who", "status", "any_key", "hints"),
    [
        (WRONG, 200, False, True),
        (WRONG, 200, True, False),
        (WRONG, 404, False, False),
        (MAIN, 200, False, False),
    ],
)
def test_a_server_that_accepts_a_key_nobody_has_gets_a_hint_at_any_key(
    who: str, status: int, *, any_key: bool, hints: bool
) -> None:
    notes = key_advice(report_of(who, status), any_key=any_key)
    assert any("use --any-key" in note for note in notes) is hints
