"""Print a report on a terminal.

Failures come first, each with the command that checks the clause again. The last line shows the counts.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from evolink_check.reports import curl, formatting
from evolink_check.reports.console import open_console, print_clause, print_field, print_line, print_needs

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Report

_SHOWN = 3  # maximum number of different violations shown for a clause


def show(report: Report, file: TextIO, *, verbose: bool = False) -> None:
    """Print the report to a file.

    The output is coloured if the file is a terminal.
    """
    render(report, open_console(file), verbose=verbose)


def render(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the report.

    By default, at most three violations of each clause are printed. `verbose` adds the remaining violations, the passed
    clauses and the unobserved clauses. Each unobserved clause is printed with what is needed to observe it.
    """
    print_line(console, f"evolink-check {report.kind} {report.subject}", "bold")
    ordered = formatting.ordered(report.verdicts)
    for verdict in ordered:
        if verdict.violations and not verdict.known:
            _print_details(report, verdict, console, len(verdict.violations) if verbose else _SHOWN)
    others = [verdict for verdict in ordered if verdict.known or (verbose and not verdict.violations)]
    if others:
        console.print()
    for verdict in others:
        _print_verdict(verdict, console)
        if verdict.status == "not observed":
            print_field(console, "needs", report.conditions.needs(verdict.clause))
            print_field(console, "shown by", verdict.clause.observed.by)
    _print_end(report, console)


def _print_details(report: Report, verdict: Verdict, console: Console, limit: int) -> None:
    violations, clause = formatting.violations(verdict), verdict.clause
    console.print()
    _print_verdict(verdict, console)
    print_field(console, "source", formatting.clause_source(clause))
    for violation in violations[:limit]:
        _print_violation(report, violation, verdict, console)
    if len(violations) > limit:
        print_field(console, "more", f"{len(violations) - limit:,} of other kinds (--verbose)")
    if verdict.omitted:
        print_field(console, "more", f"{verdict.omitted:,}, which were only counted")
    repeat = formatting.repeat_command(report, clause)
    if repeat and verdict.status == "failed":
        print_field(console, "repeat", repeat)


def _print_violation(report: Report, violation: Violation, verdict: Verdict, console: Console) -> None:
    print_field(console, "expected", violation.expected)
    note = formatting.warning_note(violation, verdict)
    print_field(console, "seen", f"{violation.seen}  ({formatting.occurrences(violation)}){note}")
    if excerpt := formatting.decisive_excerpt(report, violation):
        print_field(console, "request", curl.curl(report, excerpt))


def _print_verdict(verdict: Verdict, console: Console) -> None:
    print_clause(console, formatting.status_text(verdict), f"{verdict.clause.id}: {verdict.clause.rule}")


def _print_end(report: Report, console: Console) -> None:
    console.print()
    operations = groupby(formatting.unseen_answers(report), lambda answer: (answer.method, answer.path))
    for (method, path), answers in operations:
        statuses = ", ".join(str(answer.status) for answer in answers)
        print_line(console, f"documented, never seen: {method} {path}: {statuses}", "dim")
    print_needs(console, report.conditions, report.verdicts)
    for note in report.notes:
        print_line(console, f"note: {note}", "dim")
    for shortfall in report.shortfalls:
        print_line(console, f"--require: {shortfall}", "bold red")
    print_line(console, formatting.effort(report))
    print_line(console, formatting.counts_line(report), "bold red" if report.exit_status else "bold green")
