"""The command `evolink-check documents`. `mount` adds the command to the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from evolink_spec.options.declaration import Option

from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.output import check_files
from evolink_check.cli.summary_files import SummaryFiles, write_markdown

if TYPE_CHECKING:
    from evolink_spec.options.command_line import Group

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
    """The OpenAPI documents to lint, and the files for the findings."""

    files: Annotated[
        tuple[str, ...],
        Option(help="Documents, pages, folders or patterns.", metavar="FILE...", positional=True),
    ] = ()
    strict: Annotated[bool, Option(help="Also fail if there is only a warning.")] = False
    verbose: Annotated[bool, Option(help="Also show notes.", short="-v")] = False


def documents(options: DocumentsOptions) -> None:
    """Lint OpenAPI documents."""
    from evolink_check.documents.lint import lint
    from evolink_check.documents.reports import show, to_markdown, to_sarif
    from evolink_check.files import STDOUT, write

    with reporting_problems():
        if not options.files:
            raise ValueError("no document: pass one or more files, folders or patterns as arguments")
        files = [path for path in (options.sarif, options.markdown) if path is not None]
        check_files(files)
        report = lint(options.files, strict=options.strict)
        if options.sarif is not None:
            write(options.sarif, to_sarif(report))
        if options.markdown is not None:
            write_markdown(options.markdown, to_markdown(report))
        show(report, sys.stderr if STDOUT in files else sys.stdout, verbose=options.verbose)
    raise SystemExit(report.exit_status)


def mount(app: Group) -> None:
    """Add the command `documents` to a command line."""
    app.taking(DocumentsOptions, help=HELP, epilog=EPILOG)(documents)
