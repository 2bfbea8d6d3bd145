"""The parts of Markdown and SARIF reports that are about verdicts.

Reports on servers, clients and receivers share these parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import violation
from evolink_check.reports import formatting, sarif
from evolink_check.reports.baseline import as_known
from evolink_check.reports.markdown import Page, Table
from evolink_check.reports.needs import needs_by_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Report
    from evolink_check.reports.needs import Conditions

_NO_DOCUMENT = "clauses.yaml"  # the place of a rule that no document states


def page_of(report: Report) -> Page:
    """Return the Markdown report on a server, a recording or a proxy."""
    return Page(
        f"evolink-check {report.kind} {report.subject}",
        "; ".join([*report.shortfalls[:1], formatting.counts_line(report)]),
        failed=report.exit_status != 0,
        tables=tables(report.verdicts, formatting.violations, report.conditions),
        notes=(*report.shortfalls[1:], *report.notes, formatting.effort(report)),
        command=report.command,
    )


def tables(
    verdicts: Sequence[Verdict], violations: Callable[[Verdict], list[Violation]], conditions: Conditions
) -> list[Table]:
    """Return the tables of the failures, the warnings and the unobserved clauses."""
    needs = needs_by_text(conditions, verdicts)
    against = [
        Table(title, ("clause", "expected", "seen"), list(_rows(verdicts, status, violations)))
        for status, title in formatting.TITLES.items()
    ]
    rows = [(text, str(len(ids)), ", ".join(ids)) for text, ids in needs]
    return [*against, Table("Not observed", ("needs", "count", "clauses"), rows, folded=True)]


def _rows(
    verdicts: Sequence[Verdict], status: str, violations: Callable[[Verdict], list[Violation]]
) -> Iterator[tuple[str, str, str]]:
    for verdict in verdicts:
        if verdict.status == status:
            known = " (known)" if verdict.known else ""
            for found in violations(verdict):
                times = f" ({found.times} times)" if found.times > 1 else ""
                yield (
                    f"{verdict.clause.id}{known}",
                    found.expected,
                    f"{found.seen}{times}{formatting.warning_note(found, verdict)}",
                )


def to_sarif(verdicts: Sequence[Verdict], violations: Callable[[Verdict], list[Violation]]) -> str:
    """Return the violations as SARIF.

    Each violation is located at the rule in an OpenAPI document.
    """
    rules = {verdict.clause.id: verdict.clause.rule for verdict in verdicts}
    results = [
        _result(verdict, found) for verdict in verdicts if verdict.violations for found in violations(verdict)
    ]
    return sarif.to_sarif(results, rules)


def _result(verdict: Verdict, found: Violation) -> sarif.Result:
    clause = verdict.clause
    identity = violation(expected=found.expected, seen=found.seen)
    sources = f" (in {', '.join(found.sources)})" if found.sources else ""
    return sarif.Result(
        clause.id,
        "error" if verdict.status == "failed" and found.severity != "warning" else "warning",
        f"{clause.rule} Expected: {found.expected}. Seen: {found.seen}{sources}",
        [(clause.document or _NO_DOCUMENT, clause.pointer or clause.id)],
        as_known(clause.id, identity).fingerprint,
        suppressed=verdict.known,
    )
