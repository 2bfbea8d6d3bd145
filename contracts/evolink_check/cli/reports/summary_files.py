"""The Markdown file for CI jobs and the SARIF file for code hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from evolink_spec.options.declaration import Option
from msgspec import Struct

from evolink_check.cli.config import environment
from evolink_check.files import write

_REPORTS = "Reports"
JOB_SUMMARY = "GITHUB_STEP_SUMMARY"  # the variable with the path of GitHub's summary of a job


class SummaryFiles(Struct, frozen=True, kw_only=True):
    """The paths of the Markdown file and the SARIF file. `-` is stdout."""

    markdown: Annotated[
        Path | None,
        Option(
            help="Write a summary as Markdown; in GitHub Actions, also append it to the summary of the job "
            "($GITHUB_STEP_SUMMARY).",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    sarif: Annotated[
        Path | None,
        Option(
            help="Write the findings as SARIF 2.1.0, which code hosts show.", section=_REPORTS, metavar="FILE"
        ),
    ] = None


class ServedReport(SummaryFiles, frozen=True, kw_only=True):
    """The paths of report files, and whether the HTML report is served."""

    serve_report: Annotated[
        bool,
        Option(
            help="After the run, serve the HTML report on this machine, print its link, and open it on a desktop. "
            "Ctrl-C ends the command with the exit status of the run.",
            section=_REPORTS,
        ),
    ] = False


def wanted_files(options: SummaryFiles, *formats: str) -> dict[str, Path]:
    """Return the path of each report that the user wants, by format.

    `formats` are the names of fields of `options`, such as `json`.
    """
    paths = {name: getattr(options, name) for name in formats}
    return {name: path for name, path in paths.items() if path is not None}


def write_markdown(path: Path, content: str | bytes) -> None:
    """Write the Markdown in `content` to the file at `path`.

    In GitHub Actions, the Markdown is also appended to the summary of the job. Raises OSError if the file or the job
    summary cannot be written.
    """
    text = content if isinstance(content, str) else content.decode()
    write(path, text)
    variables = environment()
    summary = variables.get(JOB_SUMMARY, "")
    if variables.get("GITHUB_ACTIONS") == "true" and summary and Path(summary).resolve() != path.resolve():
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
