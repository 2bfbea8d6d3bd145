"""Write a comparison as Markdown, with a table of changes for each verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.drift.records import VERDICTS
from evolink_check.drift.reports.terminal import title
from evolink_check.reports import markdown

if TYPE_CHECKING:
    from evolink_check.drift.records import Change
    from evolink_check.drift.report import DriftReport


def to_markdown(report: DriftReport) -> str:
    """Return the report as Markdown."""
    tables = [
        markdown.Table(
            verdict.capitalize(),
            ("change", "reason", "place"),
            [_row(change) for change in report.changes if change.verdict == verdict],
            folded=verdict == VERDICTS[-1],
        )
        for verdict in VERDICTS
    ]
    page = markdown.Page(
        f"evolink-check drift {report.old} {report.new}",
        report.headline,
        failed=report.exit_status != 0,
        tables=tables,
        notes=report.notes,
        command=report.command,
    )
    return markdown.to_markdown(page)


def _row(change: Change) -> tuple[str, str, str]:
    known = " (known)" if change.known else ""
    return f"{title(change)}{known}", change.reason, str(change.new or change.old or "")
