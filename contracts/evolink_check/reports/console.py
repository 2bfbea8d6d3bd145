"""Print the lines of a report on a terminal.

In a pipe or a file, the lines are plain text. Lines are not wrapped, so that commands can be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from evolink_check.reports import curl
from evolink_check.reports.needs import needs_by_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.needs import Conditions

STYLES: Mapping[str, str] = {
    "failed": "bold red",
    "failed (known)": "red",
    "warning": "yellow",
    "passed": "green",
    "not observed": "dim",
}
_NAMED = 4  # maximum number of clauses of which a line shows the ids
_STATUS_WIDTH = len("failed (known)")


def open_console(file: TextIO) -> Console:
    """Return a console that writes to a file.

    The output is coloured if the file is a terminal.
    """
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print one line.

    Characters that are not printable are escaped.
    """
    console.print(
        curl.printable(text), style=style, soft_wrap=True, highlight=False, markup=False, emoji=False
    )


def print_clause(console: Console, status: str, text: str) -> None:
    """Print the status of a clause, followed by a text."""
    print_line(console, f"{status:<{_STATUS_WIDTH}}  {text}", STYLES[status])


def print_field(console: Console, name: str, value: str) -> None:
    """Print one detail of a clause as a name and a value."""
    print_line(console, f"  {name:<10}{value}")


def print_needs(console: Console, conditions: Conditions, verdicts: Iterable[Verdict]) -> None:
    """Print what would be needed to observe the unobserved clauses.

    Each need has one line.
    """
    for text, ids in needs_by_text(conditions, verdicts):
        few = f" ({', '.join(ids)})" if len(ids) <= _NAMED else ""
        print_line(
            console,
            f"not observed: {len(ids)} clause{'' if len(ids) == 1 else 's'}{few}; needs {text}",
            "dim",
        )
