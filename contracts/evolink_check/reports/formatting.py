"""What every report says of a verdict, in the same words. Texts are redacted already, when the report is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Status, Verdict
    from evolink_check.reports.evidence import Excerpt
    from evolink_check.reports.model import Answer, Report
    from evolink_check.traffic.trace import Entry

STATUSES: tuple[Status, ...] = ("passed", "failed", "warning", "not observed")
TITLES: Mapping[Status, str] = {
    "failed": "What failed",
    "warning": "Warnings: recommendations that were not followed",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What was seen `times` times, alike. `numbers` are the entries of the first; the last one is decisive.

    `sources` are the scenarios of a client in which it was seen, each once; empty for a server.
    """

    expected: str
    seen: str
    times: int
    numbers: tuple[int, ...]
    sources: tuple[str, ...] = ()


def ordered(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Failures first, then known ones, warnings, what passed, what was not observed; else in the clauses' order."""
    ranks = {"failed": 0, "warning": 2, "passed": 3, "not observed": 4}
    return sorted(verdicts, key=lambda verdict: ranks[verdict.status] + verdict.known)


def status_text(verdict: Verdict) -> str:
    """The status as reports show it."""
    return f"{verdict.status} (known)" if verdict.known else verdict.status


def clause_source(clause: Clause) -> str:
    """Where the documents say it, or on what else it rests."""
    if clause.document:
        return f"{clause.document}#{clause.pointer}"
    return f"{'published facts' if clause.binds == 'server' else 'good practice'}, in no document"


def violations(verdict: Verdict) -> list[Violation]:
    """The violations of a verdict; those that read alike are one, in the order of their first appearance."""
    return grouped(("", finding) for finding in verdict.violations)


def grouped(findings: Iterable[tuple[str, Finding]]) -> list[Violation]:
    """Findings, each with the scenario it was made in (or an empty text); those that read alike are one."""
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for source, finding in findings:
        groups.setdefault((finding.expected, finding.seen), []).append((source, finding))
    return [
        Violation(
            expected,
            seen,
            len(alike),
            alike[0][1].entries,
            tuple(dict.fromkeys(source for source, _ in alike if source)),
        )
        for (expected, seen), alike in groups.items()
    ]


def occurrences(violation: Violation) -> str:
    """How often, and in which entries of the HAR file."""
    times = f"{violation.times} times" if violation.times > 1 else ""
    if not violation.numbers:
        return times or "once"
    entries = f"entr{'y' if len(violation.numbers) == 1 else 'ies'} {', '.join(map(str, violation.numbers))}"
    return f"{times}, first in {entries}" if times else entries


def decisive_excerpt(report: Report, violation: Violation) -> Excerpt | None:
    """The entry that shows it; None when the violation names none."""
    return report.evidence.excerpt(violation.numbers[-1]) if violation.numbers else None


def counts(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """How many clauses have each status, also those that none has."""
    found = dict.fromkeys(STATUSES, 0)
    for verdict in verdicts:
        found[verdict.status] += 1
    return found


def counts_line(report: Report) -> str:
    """The counts in a line; a run that was cut short says so beside them."""
    known = sum(verdict.known for verdict in report.verdicts)
    numbers = counts(report.verdicts)
    more = {"failed": f" ({known} known)" if known else "", "warning": "" if numbers["warning"] == 1 else "s"}
    line = ", ".join(f"{count} {status}{more.get(status, '')}" for status, count in numbers.items())
    return f"{line} ({report.cut_short})" if report.cut_short else line


def effort(report: Report) -> str:
    """What the run took of time, tasks and credits."""
    tasks = f"{report.created} task{'' if report.created == 1 else 's'} created"
    spent = f", {credits_spent(report)} credits spent" if report.kind == "api" else ""
    return f"{len(report.evidence)} exchanges, {tasks}{spent}, {report.seconds:.1f} s"


def credits_spent(report: Report) -> str:
    """The credits of a run; empty for a recording, where they are not counted."""
    budget = f" of {report.budget:g}" if report.budget is not None else ""
    return f"{report.spent:g}{budget}" if report.kind == "api" else ""


def unseen_answers(report: Report) -> list[Answer]:
    """The documented answers that the trace does not hold."""
    return [answer for answer in report.answers if not answer.seen]


def repeat_command(report: Report, clause: Clause) -> str:
    """The command that checks just this clause again; empty when it is not known."""
    return f"{report.command} --clause {clause.id}" if report.command else ""


def har_location(report: Report, entry: Entry) -> str:
    """Where the whole exchange is found."""
    return f"log.entries[{entry.number}] of {report.har or 'the HAR file (--har)'}"
