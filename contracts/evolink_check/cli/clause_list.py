"""Format clauses as readable text."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from evolink_check.reports.formatting import clause_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.clauses import Clause

_WIDTH = 110


def clause_list(clauses: Iterable[Clause]) -> str:
    """Format clauses as a list.

    Clauses for servers come first, then clauses for clients, then clauses for receivers. Each clause is shown with its
    id, severity, text and source.
    """
    every = list(clauses)
    blocks = []
    for binds in ("server", "client", "receiver"):
        bound = [clause for clause in every if clause.binds == binds]
        blocks.append(f"Clauses for a {binds} ({len(bound)})")
        blocks += [
            "\n".join(
                [
                    f"  {clause.id}  [{clause.severity}]",
                    _indented(clause.rule),
                    _indented(clause_source(clause)),
                ]
            )
            for clause in bound
        ]
    return "\n\n".join(blocks)


def clause_details(clause: Clause) -> str:
    """Return all facts about one clause as text."""
    lines = [
        clause.id,
        _indented(clause.rule),
        "",
        f"    binds     {clause.binds}",
        f"    level     {clause.level}",
        f"    severity  {clause.severity}",
        f"    source    {clause_source(clause)}",
        f"    observed  in {clause.observed.where}: {clause.observed.by}",
    ]
    if clause.choice:
        lines += ["", "    Our choice, where the documents leave it open:", _indented(clause.choice)]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
