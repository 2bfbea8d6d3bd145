"""Print the result of a suite on a terminal, with advice for each violation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.reports import formatting
from evolink_check.reports.console import (
    STYLES,
    open_console,
    print_clause,
    print_field,
    print_line,
    print_needs,
)

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console
    from rich.text import Text

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.reports.formatting import Violation

_PLAIN = 110  # width of the table in columns if the output is not a terminal
_SHOWN = 3  # maximum number of violations shown for a clause, and of entries shown for a violation
_NAMED = 8  # maximum number of scenarios named for a violation


def show(summary: Summary, file: TextIO, *, verbose: bool = False) -> None:
    """Write the report to `file`. With `verbose`, the report has a table of all scenarios."""
    console = open_console(file)
    for verdict in summary.against:
        _print_details(console, verdict, summary)
    if verbose:
        console.print(_table(summary), width=None if file.isatty() else _PLAIN)
    for problem, scenarios in summary.problems.items():
        print_line(console, f"{_scenario_names(scenarios)}: {problem}", "bold red")
    for note in sorted(set(summary.all_notes)):
        print_line(console, note, "dim")
    print_needs(console, summary.conditions, summary.verdicts)
    for shortfall in summary.shortfalls:
        print_line(console, f"--require: {shortfall}", "bold red")
    print_line(console, summary.score, "bold red" if summary.exit_status else "bold green")


def line(run: ScenarioRun) -> str:
    """Return one line about a run, which is printed while the suite is running."""
    statuses = ", ".join(f"{verdict.clause.id} {verdict.status}" for verdict in run.violations)
    seconds = run.outcome.ended - run.outcome.began
    return f"{run.scenario.id}: {run.problem or statuses or 'passed'} ({seconds:.1f} s)"


def _print_details(console: Console, verdict: Verdict, summary: Summary) -> None:
    clause, violations = verdict.clause, summary.violations(verdict)
    print_clause(console, formatting.status_text(verdict), f"{clause.id}: {clause.rule}")
    print_field(console, "source", formatting.clause_source(clause))
    for violation in violations[:_SHOWN]:
        _print_violation(console, violation, verdict, summary)
    if len(violations) > _SHOWN:
        print_field(console, "more", f"{len(violations) - _SHOWN:,} of other kinds")
    print_field(console, "change", ADVICE[clause.id])
    console.print()


def _print_violation(console: Console, violation: Violation, verdict: Verdict, summary: Summary) -> None:
    print_field(console, "expected", violation.expected)
    print_field(console, "seen", f"{violation.seen}{formatting.warning_note(violation, verdict)}")
    print_field(console, "in", _scenario_names(violation.sources))
    run = summary.run_of(violation.sources[0])
    for number in violation.numbers[-_SHOWN:]:
        entry = run.trace.entries[number]
        exchange, at = entry.exchange, entry.began - run.outcome.began
        status = exchange.status or "no answer"
        print_line(console, f"    {at:6.2f} s  {exchange.method} {exchange.url} -> {status}", "dim")


def _scenario_names(scenarios: tuple[str, ...] | list[str]) -> str:
    more = len(scenarios) - _NAMED
    return ", ".join([*scenarios[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _table(summary: Summary) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    ending = "answered" if summary.subject == "receiver" else "ended"
    for name in ("scenario", ending, "s", "requests", "passed", "failed or warning"):
        table.add_column(name, justify="right" if name in {"s", "requests", "passed"} else "left")
    for run in summary.runs:
        table.add_row(*_row(run))
    return table


def _row(run: ScenarioRun) -> list[str | Text]:
    from rich.text import Text

    outcome = run.outcome
    against = Text(", ").join(
        Text(verdict.clause.id, style=STYLES[verdict.status]) for verdict in run.violations
    )
    return [
        run.scenario.id,
        "could not run" if run.problem else outcome.answers or outcome.end,
        f"{outcome.ended - outcome.began:.1f}",
        str(len(run.trace.entries)),
        str(sum(verdict.status == "passed" for verdict in run.verdicts)),
        against,
    ]
