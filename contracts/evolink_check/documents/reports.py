"""Write the findings of `evolink-check documents` as text, Markdown and SARIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.documents.findings import LEVELS, RULES
from evolink_check.reports import markdown
from evolink_check.reports.console import open_console, print_line
from evolink_check.reports.sarif import Result
from evolink_check.reports.sarif import to_sarif as write

if TYPE_CHECKING:
    from typing import TextIO

    from evolink_check.documents.findings import Finding, Level, LintReport

_STYLES: dict[Level, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show(report: LintReport, file: TextIO, *, verbose: bool = False) -> None:
    """Write each finding on one line with its file and line number.

    Without `verbose`, findings of the level "note" are left out.
    """
    console = open_console(file)
    for finding in report.findings:
        if verbose or finding.level != "note":
            print_line(console, _line(finding), _STYLES[finding.level])
    hint = "" if verbose or not report.counts["note"] else " (notes are shown with --verbose)"
    print_line(console, f"{_headline(report)}{hint}", "bold red" if report.exit_status else "bold green")


def _headline(report: LintReport) -> str:
    counts = ", ".join(
        f"{count} {level}{'' if count == 1 else 's'}" for level, count in report.counts.items()
    )
    return f"{report.documents} document{'' if report.documents == 1 else 's'}: {counts}"


def to_markdown(report: LintReport) -> str:
    """Return the report as Markdown, with a table of findings for each level."""
    tables = [
        markdown.Table(
            f"{level}s".capitalize(),
            ("place", "rule", "finding"),
            [
                (f"{found.file}:{found.line} {found.pointer}", found.rule, found.text)
                for found in report.findings
                if found.level == level
            ],
            folded=level == "note",
        )
        for level in LEVELS
    ]
    page = markdown.Page(
        "evolink-check documents", _headline(report), failed=report.exit_status != 0, tables=tables
    )
    return markdown.to_markdown(page)


def _line(finding: Finding) -> str:
    line = f":{finding.line}" if finding.line else ""
    return (
        f"{finding.file}{line}: {finding.level}: {finding.text} [{finding.rule}] {finding.pointer}".rstrip()
    )


def to_sarif(report: LintReport) -> str:
    """Return the report as SARIF."""
    rules = {rule: description for rule, (_, description) in RULES.items()}
    return write([_result(finding) for finding in report.findings], rules)


def _result(finding: Finding) -> Result:
    places = [(finding.file, finding.pointer), *([finding.other] if finding.other else [])]
    return Result(finding.rule, finding.level, finding.text, places, lines=(finding.line,))
