"""A battery on a terminal: what speaks against the client and what to change, then scenario by scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.verdicts.remedies import ADVICE

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console
    from rich.text import Text

    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun

_COLOURS = {"failed": "bold red", "warning": "yellow", "passed": "green", "not observed": "dim"}
_PLAIN = 110  # columns where there is no terminal
_SHOWN = 3  # violations of a clause


def show(summary: Summary, file: TextIO, *, verbose: bool = False) -> None:
    """Write it. Colours are for terminals only."""
    from rich.console import Console

    width = None if file.isatty() else _PLAIN
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False)
    for verdict in summary.against:
        _violations(console, verdict, summary)
    console.print(_table(summary, verbose=verbose))
    for run in summary.unrun:
        console.print(f"{run.scenario.id}: {run.problem}", style="bold red")
    for note in sorted(
        {*summary.notes, *(f"{run.scenario.id}: {run.note}" for run in summary.runs if run.note)}
    ):
        console.print(note, style="dim")
    unseen = [one.clause.id for one in summary.verdicts if one.status == "not observed"]
    if unseen:
        console.print(f"not observed: {', '.join(unseen)}", style="dim")
    console.print(summary.score, style="bold red" if summary.exit_status else "bold green")


def line(run: ScenarioRun) -> str:
    """One run while the battery goes on."""
    found = ", ".join(f"{one.clause.id} {one.status}" for one in run.violations)
    seconds = run.outcome.ended - run.outcome.began
    return f"{run.scenario.id}: {run.problem or found or 'passed'} ({seconds:.1f} s)"


def _violations(console: Console, verdict: Verdict, summary: Summary) -> None:
    clause = verdict.clause
    console.print(f"{verdict.status}  {clause.id}", style=_COLOURS[verdict.status])
    console.print(f"    {clause.rule}")
    if clause.document:
        console.print(f"    {clause.document} {clause.pointer}", style="dim")
    found = [
        (run, one)
        for run in summary.runs
        for of in run.violations
        if of.clause == clause
        for one in of.violations
    ]
    for run, one in found[:_SHOWN]:
        console.print(f"    {run.scenario.id}: expected {one.expected}, seen {one.seen}")
        for told in _evidence(run, one):
            console.print(f"        {told}", style="dim")
    if len(found) > _SHOWN:
        rest = sorted({run.scenario.id for run, _ in found[_SHOWN:]})
        console.print(f"    and in {', '.join(rest[:8])}{', …' if len(rest) > 8 else ''}")  # noqa: PLR2004
    console.print(f"    to change: {ADVICE[clause.id]}")
    console.print()


def _evidence(run: ScenarioRun, found: Finding) -> list[str]:
    told = []
    for number in found.entries[-_SHOWN:]:
        one, asked = run.trace.entries[number], run.trace.entries[number].exchange
        at, status = one.began - run.outcome.began, asked.status or "no answer"
        told.append(f"{at:6.2f} s  {asked.method} {asked.url} -> {status}")
    return told


def _table(summary: Summary, *, verbose: bool) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("scenario", "ended", "s", "requests", "passed", "failed or warning"):
        table.add_column(name, justify="right" if name in {"s", "requests", "passed"} else "left")
    for run in summary.runs:
        if verbose or run.violations or run.problem or len(summary.runs) <= 60:  # noqa: PLR2004
            table.add_row(*_row(run))
    return table


def _row(run: ScenarioRun) -> list[str | Text]:
    from rich.text import Text

    outcome = run.outcome
    against = Text(", ").join(Text(one.clause.id, style=_COLOURS[one.status]) for one in run.violations)
    return [
        run.scenario.id,
        "could not run" if run.problem else outcome.end,
        f"{outcome.ended - outcome.began:.1f}",
        str(len(run.trace.entries)),
        str(sum(one.status == "passed" for one in run.verdicts)),
        against,
    ]
