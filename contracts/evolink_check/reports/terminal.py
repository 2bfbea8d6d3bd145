"""A run on a terminal: failures first, each with what repeats it, then one line of counts.

Where nobody looks (a pipe, a file) it is plain text of whole lines, for grep; no line is wrapped anywhere, so that a
command can be copied.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from evolink_check.reports import curl, formatting
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Report

_COLOURS = {
    "failed": "bold red",
    "failed (known)": "red",
    "warning": "yellow",
    "passed": "green",
    "not observed": "dim",
}
_SHOWN = 3  # different violations of a clause
_WIDTH = len("failed (known)")


def show(report: Report, file: TextIO, *, verbose: bool = False) -> None:
    """Write it to a file. Colours are for terminals only."""
    from rich.console import Console

    render(report, Console(file=file, highlight=False, markup=False, emoji=False), verbose=verbose)


def render(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print it; with `verbose` every clause too, every violation, and what would have been needed to see more."""
    _line(console, f"evolink-check {report.kind} {redact_text(report.subject)}", "bold")
    ordered = formatting.ordered(report.verdicts)
    for verdict in ordered:
        if verdict.violations and not verdict.known:
            _told(report, verdict, console, len(verdict.violations) if verbose else _SHOWN)
    rows = [one for one in ordered if one.known or (verbose and not one.violations)]
    if rows:
        console.print()
    for verdict in rows:
        _row(verdict, console)
        if verdict.status == "not observed":
            _field(console, "needs", verdict.clause.observed.by)
    _rest(report, console)
    style = "bold red" if report.exit_status else "bold green"
    _line(console, formatting.counted(report), style)


def _told(report: Report, verdict: Verdict, console: Console, shown: int) -> None:
    found, clause = formatting.violations(verdict), verdict.clause
    console.print()
    _row(verdict, console)
    _field(console, "says", formatting.place(clause))
    for violation in found[:shown]:
        _violation(report, violation, console)
    if len(found) > shown:
        _field(console, "more", f"{len(found) - shown} other kinds of it (--verbose)")
    again = formatting.repeat(report, clause)
    if again and verdict.status == "failed":
        _field(console, "repeat", again)


def _violation(report: Report, violation: Violation, console: Console) -> None:
    _field(console, "expected", violation.expected)
    _field(console, "seen", f"{violation.seen}  ({formatting.where(violation)})")
    entry = formatting.decisive(report, violation)
    if entry is not None:
        _field(console, "request", curl.curl(report, entry))


def _row(verdict: Verdict, console: Console) -> None:
    word = formatting.status_text(verdict)
    _line(console, f"{word:<{_WIDTH}}  {verdict.clause.id}: {verdict.clause.rule}", _COLOURS[word])


def _rest(report: Report, console: Console) -> None:
    console.print()
    for (method, path), answers in groupby(formatting.unseen(report), lambda one: (one.method, one.path)):
        statuses = ", ".join(f"{one.status}" for one in answers)
        _line(console, f"documented, never seen: {method} {path}: {statuses}", "dim")
    for note in report.notes:
        _line(console, f"note: {redact_text(note)}", "dim")
    _line(console, formatting.effort(report), "")


def _field(console: Console, name: str, value: str) -> None:
    _line(console, f"  {name:<10}{value}", "")


def _line(console: Console, text: str, style: str) -> None:
    console.print(
        curl.printable(text), style=style, soft_wrap=True, highlight=False, markup=False, emoji=False
    )
