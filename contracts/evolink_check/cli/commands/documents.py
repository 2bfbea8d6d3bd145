"""The command `evolink-check documents`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from evolink_spec.options.declaration import Option

from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.reports.summary_files import SummaryFiles, wanted_files
from evolink_check.cli.reports.writing import check_files, write_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec.options.command_line import Group

    from evolink_check.documents.findings import LintReport

HELP = (
    "Lint documents.\n\n"
    "FILE is an OpenAPI document (YAML, JSON, or a saved documentation page), a folder of them, or a pattern. Finds "
    "contradictions: examples and defaults that violate their schema, references without a target, lists that may "
    "be empty according to the schema but not the text, models that two documents describe differently.\n\n\b\n"
    "evolink-check documents page.md\n"
    "evolink-check documents pages/ --sarif documents.sarif"
)
EPILOG = "Exit status: 0 no error, 1 an error (or, with --strict, a warning), 2 could not run."


class DocumentsOptions(SummaryFiles, frozen=True, kw_only=True):
    """The OpenAPI documents to lint, and the files to which the findings are written."""

    files: Annotated[
        tuple[str, ...],
        Option(
            help="OpenAPI documents, saved pages, folders, or patterns of files.",
            metavar="FILE...",
            positional=True,
        ),
    ] = ()
    strict: Annotated[bool, Option(help="Also fail if there is only a warning.")] = False
    verbose: Annotated[bool, Option(help="Also show notes.", short="-v")] = False


def documents(options: DocumentsOptions) -> None:
    """Lint OpenAPI documents."""
    from evolink_check.documents.lint import lint
    from evolink_check.documents.reports import show, to_markdown, to_sarif

    with reporting_problems():
        if not options.files:
            raise ValueError("no document: pass one or more files, folders or patterns as arguments")
        makers: dict[str, Callable[[LintReport], str | bytes]] = {"sarif": to_sarif, "markdown": to_markdown}
        paths = wanted_files(options, *makers)
        check_files(paths.values())
        report = lint(options.files, strict=options.strict)
        write_reports(report, paths, makers, partial(show, verbose=options.verbose))
    raise SystemExit(report.exit_status)


def mount(app: Group) -> None:
    """Add the command `documents` to the command line of `evolink-check`."""
    app.taking(DocumentsOptions, help=HELP, epilog=EPILOG)(documents)
