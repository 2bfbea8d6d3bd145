"""Texts about verdicts, for all formats of reports.

The texts contain no secrets, because a `Report` contains none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evolink_spec.clauses import Clause, Severity

    from evolink_check.analysis.verdicts import Finding, Status, Verdict
    from evolink_check.reports.evidence import Excerpt
    from evolink_check.reports.model import Answer, Report
    from evolink_check.traffic.trace import Entry

STATUSES: tuple[Status, ...] = ("passed", "failed", "warning", "not observed")
TITLES: Mapping[Status, str] = {
    "failed": "What failed",
    "warning": "Warnings",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation of a clause, which may have been seen several times."""

    expected: str
    seen: str
    times: int  # how often the violation was seen
    # The numbers of the trace entries (exchanges or callbacks) that first showed the violation, the decisive one last.
    numbers: tuple[int, ...]
    sources: tuple[str, ...] = ()  # the scenarios in which the violation was seen; empty for a server
    severity: Severity | None = None  # None if the violation is as severe as its clause


def ordered(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sort verdicts by status.

    The order is: new failures, known failures, warnings, passed, not observed. Verdicts with the same status keep their
    order.
    """
    ranks = {"failed": 0, "warning": 2, "passed": 3, "not observed": 4}
    return sorted(verdicts, key=lambda verdict: ranks[verdict.status] + verdict.known)


def status_text(verdict: Verdict) -> str:
    """Return the status of a verdict as text.

    If the baseline contains all violations, the text is `failed (known)`.
    """
    return f"{verdict.status} (known)" if verdict.known else verdict.status


def clause_source(clause: Clause) -> str:
    """Return the OpenAPI document and the JSON pointer that state a clause.

    Without a document, the text names a source such as `good practice`.
    """
    if clause.document:
        return f"{clause.document}#{clause.pointer}"
    return f"{'published facts' if clause.binds == 'server' else 'good practice'}, in no document"


def violations(verdict: Verdict) -> list[Violation]:
    """Return the violations of a verdict, failures before warnings.

    Violations with the same texts and the same severity are combined into one. The combined violation takes the
    place of the first.
    """
    return grouped(("", finding) for finding in verdict.violations)


def grouped(findings: Iterable[tuple[str, Finding]], cause: Callable[[str], str] = str) -> list[Violation]:
    """Combine equal findings into one violation with a count.

    Failures come before warnings. `findings` are pairs of a scenario and a finding. The scenario is empty if a server
    was checked. Two findings are equal if their severities and their texts are equal. `cause` changes the texts before
    this comparison. For example, `cause` can remove numbers.
    """
    groups: dict[tuple[str, str, Severity | None], list[tuple[str, Finding]]] = {}
    for source, finding in findings:
        key = (cause(finding.expected), cause(finding.seen), finding.severity)
        groups.setdefault(key, []).append((source, finding))
    counted = [
        Violation(
            group[0][1].expected,
            group[0][1].seen,
            len(group),
            group[0][1].entries,
            tuple(dict.fromkeys(source for source, _ in group if source)),
            group[0][1].severity,
        )
        for group in groups.values()
    ]
    return sorted(counted, key=lambda violation: violation.severity == "warning")


def warning_note(violation: Violation, verdict: Verdict) -> str:
    """Return a note if the clause failed, but this violation counts as a warning.

    In all other cases, the returned text is empty.
    """
    return " (only a warning)" if verdict.status == "failed" and violation.severity == "warning" else ""


def occurrences(violation: Violation) -> str:
    """Describe how often a violation was seen, and where it was first seen.

    The text identifies entries of the trace by their numbers. The HAR file uses the same numbers.
    """
    times = f"{violation.times} times" if violation.times > 1 else ""
    if not violation.numbers:
        return times or "once"
    entries = f"entr{'y' if len(violation.numbers) == 1 else 'ies'} {', '.join(map(str, violation.numbers))}"
    return f"{times}, first in {entries}" if times else entries


def decisive_excerpt(report: Report, violation: Violation) -> Excerpt | None:
    """Return the entry that shows the violation; None if there is no entry."""
    return report.evidence.excerpt(violation.numbers[-1]) if violation.numbers else None


def counts(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """Return the number of clauses with each status, including 0."""
    numbers = dict.fromkeys(STATUSES, 0)
    for verdict in verdicts:
        numbers[verdict.status] += 1
    return numbers


def sections(verdicts: Iterable[Verdict]) -> dict[str, dict[Status, list[str]]]:
    """Return the ids of the clauses, grouped by section and then by status."""
    found: dict[str, dict[Status, list[str]]] = {}
    for verdict in verdicts:
        empty: dict[Status, list[str]] = {status: [] for status in STATUSES}
        # The section is the first part of the id.
        section = found.setdefault(verdict.clause.id.partition(".")[0], empty)
        section[verdict.status].append(verdict.clause.id)
    return found


def counts_line(report: Report) -> str:
    """Return the number of clauses with each status on one line.

    If the run was cut short, the line ends with the reason.
    """
    known = sum(verdict.known for verdict in report.verdicts)
    numbers = counts(report.verdicts)
    more = {"failed": f" ({known} known)" if known else "", "warning": "" if numbers["warning"] == 1 else "s"}
    line = ", ".join(f"{count} {status}{more.get(status, '')}" for status, count in numbers.items())
    return f"{line} ({report.cut_short})" if report.cut_short else line


def effort(report: Report) -> str:
    """Return the exchanges, tasks, credits and seconds of a run, on one line."""
    tasks = f"{report.created} task{'' if report.created == 1 else 's'} created"
    spent = f", {credits_spent(report)} credits spent" if report.kind == "api" else ""
    return f"{len(report.evidence)} exchanges, {tasks}{spent}, {report.seconds:.1f} s"


def credits_spent(report: Report) -> str:
    """Return the spent credits and the budget, such as `12 of 50`.

    The text is empty if no server was checked.
    """
    budget = f" of {report.budget:g}" if report.budget is not None else ""
    return f"{report.spent:g}{budget}" if report.kind == "api" else ""


def unseen_answers(report: Report) -> list[Answer]:
    """Return the documented responses that were not seen in the run."""
    return [answer for answer in report.answers if not answer.seen]


def repeat_command(report: Report, clause: Clause) -> str:
    """Return the command that checks this clause again.

    The text is empty if the command of the run is unknown.
    """
    return f"{report.command} --clause {clause.id}" if report.command else ""


def har_location(report: Report, entry: Entry) -> str:
    """Describe where the HAR file contains the complete exchange."""
    return f"log.entries[{entry.number}] of {report.har or 'the HAR file (--har)'}"
