"""The command `evolink-check drift`; `mount` adds it to the command line."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import TYPE_CHECKING, Annotated

import click
from evolink_spec.errors import SpecError
from evolink_spec.options.command_line import repeated_command
from evolink_spec.options.declaration import Option
from msgspec import Struct

from evolink_check.cli.output import BaselineOptions, check_files, say
from evolink_check.cli.problems import reporting_problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec.options.command_line import Group

    from evolink_check.drift.report import DriftReport

HELP = (
    "Compare two versions of documents.\n\n"
    "OLD and NEW are files (YAML, JSON, or a saved documentation page), folders of them, or URLs: of a document, or of a "
    "running mock. Says what changed for a client that was written against OLD, and whether it breaks: breaking, notice or "
    "non-breaking. A breaking change of a request is proven by a body that OLD accepts and NEW refuses.\n\n\b\n"
    "evolink-check drift old.yaml new.yaml\n"
    "evolink-check drift pages-2026-10/ pages-2026-11/ --baseline known.json --sarif drift.sarif\n"
    "evolink-check drift saved.md http://127.0.0.1:8080"
)
EPILOG = "Exit status: 0 no breaking change, 1 a breaking change that is not in the baseline, 2 could not run."
_REPORTS = "Reports"
_UNREPEATED = ("json", "junit", "html", "sarif", "update", "verbose")


class DriftOptions(Struct, frozen=True, kw_only=True):
    """What to compare, and how strictly."""

    sources: Annotated[
        tuple[str, ...],
        Option(help="The old and the new documents.", metavar="OLD NEW", positional=True),
    ] = ()
    strict_consumers: Annotated[
        bool,
        Option(help="New values in responses are breaking, too: clients do not tolerate what was not documented."),
    ] = False


class DriftReports(Struct, frozen=True, kw_only=True):
    """The files to which reports on a comparison are written; `-` is stdout."""

    json: Annotated[
        Path | None, Option(help="Write the report as JSON; - is stdout.", section=_REPORTS, metavar="FILE")
    ] = None
    sarif: Annotated[
        Path | None, Option(help="Write the report as SARIF 2.1.0.", section=_REPORTS, metavar="FILE")
    ] = None
    junit: Annotated[
        Path | None,
        Option(help="Write the report as JUnit XML: each change is a test case.", section=_REPORTS, metavar="FILE"),
    ] = None
    html: Annotated[
        Path | None, Option(help="Write the report as an HTML page.", section=_REPORTS, metavar="FILE")
    ] = None
    verbose: Annotated[
        bool, Option(help="Show the places and reasons of all changes.", section=_REPORTS, short="-v")
    ] = False

    @property
    def files(self) -> dict[str, Path]:
        """The path of each report, by its format."""
        paths = {name: getattr(self, name) for name in ("json", "sarif", "junit", "html")}
        return {name: path for name, path in paths.items() if path is not None}


def drift(options: DriftOptions, reports: DriftReports, baseline: BaselineOptions) -> None:
    """Compare two versions of documents."""
    from evolink_check.drift.run import run_drift

    with reporting_problems():
        if len(options.sources) != 2:  # noqa: PLR2004
            raise ValueError("give two files, folders or URLs: OLD NEW")
        check_files([*reports.files.values()])
        baseline.check()
        command = repeated_command(click.get_current_context(), without=_UNREPEATED, secrets={})
        try:
            report = run_drift(*options.sources, strict=options.strict_consumers, command=command)
        except SpecError as error:
            raise ValueError(str(error)) from error
        report = _with_baseline(report, baseline)
        _write(report, reports)
    raise SystemExit(report.exit_status)


def mount(app: Group) -> None:
    """Add the command to a command line."""
    app.taking(DriftOptions, DriftReports, BaselineOptions, help=HELP, epilog=EPILOG)(drift)


def _with_baseline(report: DriftReport, options: BaselineOptions) -> DriftReport:
    from evolink_check.drift.baseline import apply, baseline_of, notes_on_gone
    from evolink_check.files import write
    from evolink_check.reports.baseline import to_json

    if options.path is None:
        return report
    if options.update:
        content = baseline_of(report.changes)
        write(options.path, to_json(content))
        count = len(content.known)
        say(f"{options.path} now lists {count} known change{'' if count == 1 else 's'}")
    else:
        content = options.read(options.path)
    gone = notes_on_gone(report.changes, content)
    return replace(report, changes=apply(report.changes, content), notes=(*report.notes, *gone))


def _write(report: DriftReport, reports: DriftReports) -> None:
    from evolink_check.drift.reports import html, json_report, junit, sarif, terminal
    from evolink_check.files import STDOUT, write

    makers: dict[str, Callable[[DriftReport], str | bytes]] = {
        "json": json_report.to_json,
        "sarif": sarif.to_sarif,
        "junit": junit.to_junit,
        "html": html.to_html,
    }
    for name, path in reports.files.items():
        write(path, makers[name](report))
    to_stdout = STDOUT in reports.files.values()
    terminal.show(report, sys.stderr if to_stdout else sys.stdout, verbose=reports.verbose)
