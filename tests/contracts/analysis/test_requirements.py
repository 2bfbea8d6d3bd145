"""--require: which runs observed too little."""

from __future__ import annotations

import pytest
from evolink_check.analysis.requirements import Requirement, parse_requirements, shortfalls
from evolink_check.analysis.verdicts import passed
from support.records.report_builders import CLAUSES, report, verdicts

IDS = [clause.id for clause in CLAUSES]
SOME = verdicts(create__schema=(passed(0),), task__final=(passed(1),))
SHARE = 100 * 2 / len(SOME)


def test_a_share_of_the_clauses_must_be_observed() -> None:
    assert Requirement(share=SHARE).shortfall(SOME) == ""
    assert (
        Requirement(share=SHARE + 0.1)
        .shortfall(SOME)
        .startswith(f"2 of {len(SOME)} clauses (2 %) were observed")
    )


def test_a_clause_must_be_observed() -> None:
    assert Requirement(clause="task.final").shortfall(SOME) == ""
    assert Requirement(clause="id.unique").shortfall(SOME) == "id.unique was not observed, but is required"


def test_a_report_with_a_shortfall_fails_although_no_clause_did() -> None:
    required = parse_requirements(["1%", "task.final", "id.unique"], IDS)
    assert len(shortfalls(required, SOME)) == 1
    assert report(judged=SOME).exit_status == 0
    assert report(judged=SOME, requirements=required).exit_status == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [("101%", "more than 100%"), ("task.finale", "did you mean task.final"), ("most", "a share such as 80%")],
)
def test_any_other_text_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_requirements([text], IDS)
