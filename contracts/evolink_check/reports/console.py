"""Print the lines of a report on a terminal. The reports on servers and on clients use this module.

In a pipe or a file the lines are plain text, for grep. Lines are not wrapped, so that commands can be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from evolink_check.reports import curl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

STYLES: Mapping[str, str] = {
    "failed": "bold red",
    "failed (known)": "red",
    "warning": "yellow",
    "passed": "green",
    "not observed": "dim",
}
_STATUS_WIDTH = len("failed (known)")


def open_console(file: TextIO) -> Console:
    """Return a console that writes to a file. It uses colours only on a terminal."""
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print one line. Characters that are not printable are escaped."""
    console.print(
        curl.printable(text), style=style, soft_wrap=True, highlight=False, markup=False, emoji=False
    )


def print_clause(console: Console, status: str, text: str) -> None:
    """Print the status of a clause, followed by a text."""
    print_line(console, f"{status:<{_STATUS_WIDTH}}  {text}", STYLES[status])


def print_field(console: Console, name: str, value: str) -> None:
    """Print one detail of a clause as a name and a value."""
    print_line(console, f"  {name:<10}{value}")
