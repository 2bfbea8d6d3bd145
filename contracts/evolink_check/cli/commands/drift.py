"""The command `evolink-check drift`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import TYPE_CHECKING, Annotated

import click
from evolink_spec.options.command_line import repeated_command
from evolink_spec.options.declaration import Option
from msgspec import Struct

from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.reports.baseline_file import check_baseline, read_baseline
from evolink_check.cli.reports.summary_files import ServedReport, wanted_files
from evolink_check.cli.reports.writing import check_files, write_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec.options.command_line import Group

    from evolink_check.drift.report import DriftReport

HELP = (
    "Compare two versions of documents.\n\n"
    "OLD and NEW are files (YAML, JSON, or a saved documentation page), folders of such files, or URLs of a document "
    "or of a running mock. Lists the changes for a client that was written against OLD, each with a verdict: breaking, "
    "notice or non-breaking. If possible, a breaking change of requests is proven by a body that OLD accepts and NEW "
    "refuses."
    "\n\n\b\n"
    "evolink-check drift old.yaml new.yaml\n"
    "evolink-check drift pages-2026-10/ pages-2026-11/ --baseline known.json --sarif drift.sarif\n"
    "evolink-check drift saved.md http://127.0.0.1:8080\n"
    "evolink-check drift --recording today.har page.md"
)
EPILOG = (
    "Exit status: 0 no breaking change, 1 a breaking change that is not in the baseline, 2 could not run."
)
_REPORTS = "Reports"
_UNREPEATED = ("json", "junit", "html", "sarif", "markdown", "serve_report", "update_baseline", "verbose")


class DriftOptions(Struct, frozen=True, kw_only=True):
    """The OpenAPI documents and recordings to compare, and whether clients tolerate undocumented values."""

    sources: Annotated[
        tuple[str, ...],
        Option(help="The old and the new documents.", metavar="OLD NEW", positional=True),
    ] = ()
    recordings: Annotated[
        tuple[Path, ...],
        Option(
            help="Also compare this HAR file with NEW: report undocumented traffic, and documented values that the "
            "file does not contain. Repeatable; OLD can then be left out.",
            name="--recording",
            metavar="FILE",
        ),
    ] = ()
    strict_consumers: Annotated[
        bool,
        Option(
            help="Treat new values in responses as breaking, because clients do not tolerate undocumented values."
        ),
    ] = False


class DriftReports(ServedReport, frozen=True, kw_only=True):
    """The files to which the reports on a comparison are written. `-` is stdout."""

    json: Annotated[
        Path | None, Option(help="Write the report as JSON; - is stdout.", section=_REPORTS, metavar="FILE")
    ] = None
    junit: Annotated[
        Path | None,
        Option(
            help="Write the report as JUnit XML, with a test case for each change.",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    html: Annotated[
        Path | None, Option(help="Write the report as an HTML page.", section=_REPORTS, metavar="FILE")
    ] = None
    baseline: Annotated[
        Path | None,
        Option(
            help="File of known breaking changes; only other breaking changes fail the run.",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    update_baseline: Annotated[
        bool, Option(help="Write the current breaking changes to the --baseline file.", section=_REPORTS)
    ] = False
    verbose: Annotated[
        bool, Option(help="Show the places and reasons of all changes.", section=_REPORTS, short="-v")
    ] = False

    @property
    def files(self) -> dict[str, Path]:
        """The path of each report that the user wants, by format."""
        return wanted_files(self, "json", "sarif", "junit", "html", "markdown")


def drift(options: DriftOptions, reports: DriftReports) -> None:
    """Compare two versions of OpenAPI documents."""
    from evolink_check.drift.run import run_drift

    with reporting_problems():
        if len(options.sources) not in ({1, 2} if options.recordings else {2}):
            raise ValueError("pass two files, folders or URLs: OLD NEW; OLD can be left out with --recording")
        check_files(reports.files.values())
        check_baseline(reports.baseline, update=reports.update_baseline)
        command = repeated_command(click.get_current_context(), without=_UNREPEATED, secrets={})
        report = run_drift(
            options.sources, options.recordings, strict=options.strict_consumers, command=command
        )
        report = _write(report, reports)
    raise SystemExit(report.exit_status)


def mount(app: Group) -> None:
    """Add the command `drift` to the command line of `evolink-check`."""
    app.taking(DriftOptions, DriftReports, help=HELP, epilog=EPILOG)(drift)


def _write(report: DriftReport, reports: DriftReports) -> DriftReport:
    from evolink_check.drift.baseline import baseline_of, mark_known, notes_on_resolved
    from evolink_check.drift.reports import html, json_report, junit, markdown, sarif, terminal

    new_baseline = None
    if reports.baseline is not None:
        known = baseline_of(report.changes) if reports.update_baseline else read_baseline(reports.baseline)
        new_baseline = (reports.baseline, known) if reports.update_baseline else None
        notes = (*report.notes, *notes_on_resolved(report.changes, known))
        report = replace(report, changes=mark_known(report.changes, known), notes=notes)
    makers: dict[str, Callable[[DriftReport], str | bytes]] = {
        "json": json_report.to_json,
        "sarif": sarif.to_sarif,
        "junit": junit.to_junit,
        "html": html.to_html,
        "markdown": markdown.to_markdown,
    }
    show = partial(terminal.show, verbose=reports.verbose)
    write_reports(report, reports.files, makers, show, baseline=new_baseline)
    if reports.serve_report:
        from evolink_check.cli.reports.server import serve_report

        serve_report(html.to_html(report))
    return report
