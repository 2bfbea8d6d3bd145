"""Lines of a report on a terminal, the same for servers and clients.

Where nobody looks (a pipe, a file) they are plain text, for grep; no line is wrapped, so that a command can be copied.
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
    """A console on a file. Colours are for terminals only."""
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False)


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print one line, whatever characters its text holds."""
    console.print(
        curl.printable(text), style=style, soft_wrap=True, highlight=False, markup=False, emoji=False
    )


def print_clause(console: Console, status: str, text: str) -> None:
    """Print the status of a clause, and its id and rule."""
    print_line(console, f"{status:<{_STATUS_WIDTH}}  {text}", STYLES[status])


def print_field(console: Console, name: str, value: str) -> None:
    """Print a detail of the clause above."""
    print_line(console, f"  {name:<10}{value}")
