"""What every report says of a verdict, in the same words and without secrets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.traffic.redaction import redact_exchange, redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Status, Verdict
    from evolink_check.reports.model import Answer, Report
    from evolink_check.traffic.trace import Entry, Exchange

STATUSES: tuple[Status, ...] = ("passed", "failed", "warning", "not observed")


@dataclass(frozen=True, slots=True)
class Violation:
    """What was seen, `times` times, alike. `numbers` are the entries of the first; the last one is decisive."""

    expected: str
    seen: str
    times: int
    numbers: tuple[int, ...]


def ordered(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Failures first, then known ones, warnings, what passed, what was not observed; else in the clauses' order."""
    ranks = {"failed": 0, "warning": 2, "passed": 3, "not observed": 4}
    return sorted(verdicts, key=lambda one: ranks[one.status] + one.known)


def status_text(verdict: Verdict) -> str:
    """The status as reports show it."""
    return f"{verdict.status} (known)" if verdict.known else verdict.status


def place(clause: Clause) -> str:
    """Where it stands what the clause says."""
    return f"{clause.document}#{clause.pointer}" if clause.document else "published facts, in no document"


def violations(verdict: Verdict) -> list[Violation]:
    """The violations of a verdict: those that read alike are one, in the order of their first appearance."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for one in verdict.violations:
        found.setdefault((redact_text(one.expected), redact_text(one.seen)), []).append(one)
    return [
        Violation(expected, seen, len(alike), alike[0].entries) for (expected, seen), alike in found.items()
    ]


def where(violation: Violation) -> str:
    """How often and in which entries of the HAR file."""
    often = f"{violation.times} times" if violation.times > 1 else ""
    entries = f"entr{'y' if len(violation.numbers) == 1 else 'ies'} {', '.join(map(str, violation.numbers))}"
    parts = [often, f"first in {entries}" if often else entries] if violation.numbers else [often or "once"]
    return ", ".join(part for part in parts if part)


def decisive(report: Report, violation: Violation) -> Entry | None:
    """The entry that shows it; None when the violation names none."""
    if not violation.numbers or violation.numbers[-1] >= len(report.trace.entries):
        return None
    return report.trace.entries[violation.numbers[-1]]


def shown(entry: Entry) -> Exchange:
    """The exchange of an entry without its secrets."""
    return redact_exchange(entry.exchange, entry.who)


def counts(report: Report) -> dict[str, int]:
    """How many clauses have each status; 0 for those that none has."""
    found = report.counts()
    return {status: found.get(status, 0) for status in STATUSES}


def counted(report: Report) -> str:
    """The counts in a line."""
    known = sum(verdict.known for verdict in report.verdicts)
    number = counts(report)
    more = {"failed": f" ({known} known)" if known else "", "warning": "" if number["warning"] == 1 else "s"}
    return ", ".join(f"{count} {status}{more.get(status, '')}" for status, count in number.items())


def effort(report: Report) -> str:
    """What the run took of time, tasks and credits."""
    tasks = f"{report.created} task{'' if report.created == 1 else 's'} created"
    budget = f" of {report.budget:g}" if report.budget is not None else ""
    spent = f", {report.spent:g}{budget} credits spent" if report.kind == "api" else ""  # else nobody counted
    return f"{len(report.trace.entries)} exchanges, {tasks}{spent}, {report.seconds:.1f} s"


def unseen(report: Report) -> list[Answer]:
    """The documented answers that the trace does not hold."""
    return [answer for answer in report.answers if not answer.seen]


def repeat(report: Report, clause: Clause) -> str:
    """The command that looks at just this clause again; empty when nobody knows it."""
    return f"{redact_text(report.command)} --clause {clause.id}" if report.command else ""


def place_of(report: Report, entry: Entry) -> str:
    """Where the whole exchange is found."""
    return f"log.entries[{entry.number}] of {report.har or 'the HAR file (--har)'}"
