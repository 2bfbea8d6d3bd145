"""Write the result of a suite as Markdown and as SARIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.reports import markdown, verdict_tables

if TYPE_CHECKING:
    from evolink_check.client.reports.summary import Summary


def to_markdown(summary: Summary) -> str:
    """Return the content of the Markdown file."""
    unrun = [(problem, ", ".join(scenarios)) for problem, scenarios in summary.problems.items()]
    page = markdown.Page(
        f"evolink-check {summary.subject} {summary.command}",
        summary.headline,
        failed=summary.exit_status != 0,
        tables=(
            markdown.Table("Could not run", ("problem", "scenarios"), unrun),
            *verdict_tables.tables(summary.verdicts, summary.violations, summary.conditions),
        ),
        notes=(*summary.shortfalls[1:], *sorted(set(summary.all_notes))),
    )
    return markdown.to_markdown(page)


def to_sarif(summary: Summary) -> str:
    """Return the content of the SARIF file."""
    return verdict_tables.to_sarif(summary.verdicts, summary.violations)
