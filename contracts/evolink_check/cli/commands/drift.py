"""The command `evolink-check drift`. `mount` adds the command to the command line."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import TYPE_CHECKING, Annotated

import click
from evolink_spec.options.command_line import repeated_command
from evolink_spec.options.declaration import Option
from msgspec import Struct

from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.output import check_files, say
from evolink_check.cli.summary_files import ServedReport, write_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec.options.command_line import Group

    from evolink_check.drift.report import DriftReport
    from evolink_check.reports.baseline import Baseline

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
    """The two versions of OpenAPI documents to compare, recordings, and the strictness of the comparison."""

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
        paths = {name: getattr(self, name) for name in ("json", "sarif", "junit", "html", "markdown")}
        return {name: path for name, path in paths.items() if path is not None}


def drift(options: DriftOptions, reports: DriftReports) -> None:
    """Compare two versions of OpenAPI documents."""
    from evolink_check.drift.run import run_drift

    with reporting_problems():
        if len(options.sources) not in ({1, 2} if options.recordings else {2}):
            raise ValueError("pass two files, folders or URLs: OLD NEW; OLD can be left out with --recording")
        check_files([*reports.files.values()])
        command = repeated_command(click.get_current_context(), without=_UNREPEATED, secrets={})
        known = None if reports.update_baseline else _read_baseline(reports.baseline)
        report = run_drift(
            options.sources, options.recordings, strict=options.strict_consumers, command=command
        )
        report = _with_baseline(report, reports, known)
        _write(report, reports)
    raise SystemExit(report.exit_status)


def mount(app: Group) -> None:
    """Add the command `drift` to a command line."""
    app.taking(DriftOptions, DriftReports, help=HELP, epilog=EPILOG)(drift)


def _read_baseline(path: Path | None) -> Baseline | None:
    from evolink_check.reports import baseline

    return None if path is None else baseline.read(path)


def _with_baseline(report: DriftReport, files: DriftReports, known: Baseline | None) -> DriftReport:
    from evolink_check.drift.baseline import baseline_of, mark_known, notes_on_resolved
    from evolink_check.files import write
    from evolink_check.reports.baseline import to_json

    if files.update_baseline:
        if files.baseline is None:
            raise ValueError("--update-baseline requires --baseline FILE")
        known = baseline_of(report.changes)
        write(files.baseline, to_json(known))
        count = len(known.known)
        say(f"{files.baseline} now lists {count} known change{'' if count == 1 else 's'}")
    if known is None:
        return report
    gone = notes_on_resolved(report.changes, known)
    return replace(report, changes=mark_known(report.changes, known), notes=(*report.notes, *gone))


def _write(report: DriftReport, reports: DriftReports) -> None:
    from evolink_check.drift.reports import html, json_report, junit, markdown, sarif, terminal
    from evolink_check.files import STDOUT, write

    makers: dict[str, Callable[[DriftReport], str | bytes]] = {
        "json": json_report.to_json,
        "sarif": sarif.to_sarif,
        "junit": junit.to_junit,
        "html": html.to_html,
        "markdown": markdown.to_markdown,
    }
    for name, path in reports.files.items():
        write_to = write_markdown if name == "markdown" else write
        write_to(path, makers[name](report))
    to_stdout = STDOUT in reports.files.values()
    terminal.show(report, sys.stderr if to_stdout else sys.stdout, verbose=reports.verbose)
    if reports.serve_report:
        from evolink_check.cli.report_server import serve_report

        serve_report(html.to_html(report))
