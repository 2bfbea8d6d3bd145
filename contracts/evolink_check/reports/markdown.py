"""Write a report as Markdown for the summary of a CI job.

The page contains the result, the failures, and the unobserved clauses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evolink_check.reports.curl import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS = 50  # maximum number of rows of a table
_LONGEST = 300  # maximum number of characters of a cell
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False  # whether the table is hidden until the reader opens it


@dataclass(frozen=True, slots=True)
class Page:
    """The content of a Markdown report, in texts that are not escaped.

    `to_markdown` escapes the characters that have a meaning in Markdown or HTML.
    """

    title: str
    headline: str
    failed: bool
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    command: str = field(default="")


def to_markdown(page: Page) -> str:
    """Return the content of the Markdown file."""
    sign = "❌" if page.failed else "✅"
    blocks = [f"## {_text(page.title)}", f"{sign} **{_text(page.headline)}**"]
    blocks += [_table(table) for table in page.tables if table.rows]
    if page.notes:
        blocks.append("\n".join(f"- {_text(note)}" for note in page.notes))
    if page.command:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", page.command)), default=0))
        blocks.append(f"{fence}sh\n{printable(page.command)}\n{fence}")
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    lines = [_row(table.columns), _row(["---"] * len(table.columns), escape=False)]
    lines += [_row(row) for row in table.rows[:_ROWS]]
    more = len(table.rows) - _ROWS
    text = "\n".join(lines) + (f"\n\nand {more:,} more" if more > 0 else "")
    if table.folded:
        return f"<details><summary>{_text(table.title)}</summary>\n\n{text}\n\n</details>"
    return f"### {_text(table.title)}\n\n{text}"


def _row(cells: Sequence[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(_text(cell) if escape else cell for cell in cells)} |"


def _text(text: str) -> str:
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return _SPECIAL.sub(r"\\\1", printable(" ".join(short.split()))).replace("@", "&#64;")
