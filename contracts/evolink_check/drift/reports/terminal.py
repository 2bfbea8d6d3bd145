"""Print a comparison on a terminal.

Breaking changes come first. A breaking change that is not in the baseline is printed with the reason and its places in
the documents. If a request proves the change, the request is printed, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evolink_check.reports.console import open_console, print_field, print_line

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console

    from evolink_check.drift.records import Change, Verdict
    from evolink_check.drift.report import DriftReport

_STYLES: dict[Verdict, str] = {"breaking": "bold red", "notice": "yellow", "non-breaking": "green"}
_WIDTH = len("breaking (known)")
_LONGEST = 400  # maximum number of characters of a proof that are shown


def show(report: DriftReport, file: TextIO, *, verbose: bool = False) -> None:
    """Write the report to `file`. If `verbose` is true, every change is printed with its reason and its places."""
    console = open_console(file)
    print_line(console, f"evolink-check drift {report.old} {report.new}", "bold")
    for change in report.changes:
        _print_change(
            console, change, detailed=verbose or (change.verdict == "breaking" and not change.known)
        )
    if report.changes:
        console.print()
    for note in report.notes:
        print_line(console, f"note: {note}", "dim")
    print_line(console, report.headline, "bold red" if report.exit_status else "bold green")


def _print_change(console: Console, change: Change, *, detailed: bool) -> None:
    status = f"{change.verdict} (known)" if change.known else change.verdict
    if detailed:
        console.print()
    print_line(console, f"{status:<{_WIDTH}}  {title(change)}", _STYLES[change.verdict])
    if not detailed:
        return
    print_field(console, "kind", change.kind)
    print_field(console, "reason", change.reason)
    for name, place in (("old", change.old), ("new", change.new)):
        if place is not None:
            print_field(console, name, str(place))
    if change.proof is not None:
        body = json.dumps(change.proof.body, ensure_ascii=False)
        print_field(
            console, "accepted", body if len(body) <= _LONGEST else f"{body[:_LONGEST]}… (whole in --json)"
        )
        print_field(console, "refused", change.proof.refusal)


def title(change: Change) -> str:
    """Describe a change in one line."""
    where = f"{change.subject}: " if change.subject else ""
    return f"{where}{change.side}{f' {change.field}' if change.field else ''}: {change.text}"
