"""Write the reports of a run, and print lines during a run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import TYPE_CHECKING, Annotated, Any

from evolink_spec.options.declaration import Option

from evolink_check.analysis.verdicts import Strictness
from evolink_check.cli.options import SeverityOptions
from evolink_check.cli.summary_files import ServedReport, write_markdown
from evolink_check.files import STDOUT, check_writable, is_special, write
from evolink_check.reports import formatting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.run_plan import Estimate
    from evolink_check.reports.baseline import Baseline
    from evolink_check.reports.model import Report
    from evolink_check.settings import Effort
    from evolink_check.traffic.trace import Trace


_REPORTS = "Reports"


class ReportFiles(ServedReport, frozen=True, kw_only=True):
    """The files to which reports are written. `-` is stdout.

    If a report is written to stdout, the report for the terminal is written to stderr.
    """

    har: Annotated[
        Path | None,
        Option(help="Write every exchange as HAR 1.2, without keys.", section=_REPORTS, metavar="FILE"),
    ] = None
    json: Annotated[
        Path | None, Option(help="Write the report as JSON; - is stdout.", section=_REPORTS, metavar="FILE")
    ] = None
    junit: Annotated[
        Path | None,
        Option(
            help="Write the report as JUnit XML, with a test case for each clause.",
            section=_REPORTS,
            metavar="FILE",
        ),
    ] = None
    html: Annotated[
        Path | None, Option(help="Write the report as an HTML page.", section=_REPORTS, metavar="FILE")
    ] = None
    verbose: Annotated[
        bool, Option(help="Show every clause and every violation.", section=_REPORTS, short="-v")
    ] = False

    def __post_init__(self) -> None:
        check_files(self.files)

    @property
    def files(self) -> list[Path]:
        """The paths of all report files that the user wants."""
        paths = (self.har, self.json, self.junit, self.html, self.markdown, self.sarif)
        return [path for path in paths if path is not None]


def check_files(paths: Sequence[Path]) -> None:
    """Raise ValueError unless all report files can be written.

    Call this before a run, because otherwise the results of the run could be lost.
    """
    if paths.count(STDOUT) > 1:
        raise ValueError("only one report can go to stdout")
    plain = [path.resolve() for path in paths if path != STDOUT and not is_special(path)]
    for path in paths:
        check_writable(path)
        if plain.count(path.resolve()) > 1:
            raise ValueError(f"{path}: two reports cannot be written to the same file")


class BaselineOptions(SeverityOptions, frozen=True, kw_only=True):
    """Options that determine when a run fails, including the file of known violations (the baseline)."""

    path: Annotated[
        Path | None,
        Option(
            help="File of known violations; only other violations fail the run.",
            section=_REPORTS,
            name="--baseline",
            metavar="FILE",
        ),
    ] = None
    update: Annotated[
        bool,
        Option(
            help="Write the current violations to the --baseline file. Entries of clauses that were not tested stay.",
            section=_REPORTS,
            name="--update-baseline",
        ),
    ] = False

    def check(self) -> None:
        """Raise ValueError if a value of --require is invalid, or if the baseline file is invalid or not writable.

        Call this before anything is sent.
        """
        self.requirements  # noqa: B018  (raises ValueError)
        if self.update and self.path is None:
            raise ValueError("--update-baseline requires --baseline FILE")
        if self.path is None:
            return
        if self.update:
            check_writable(self.path)
        if not self.update or self.path.is_file():
            self.read(self.path)

    def read(self, path: Path) -> Baseline:
        """Return the known violations in a baseline file.

        Raises ValueError, with the path of the file, if the file is unreadable or invalid.
        """
        from evolink_check.reports import baseline

        try:
            return baseline.read(path)
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error.strerror}") from error

    def apply(self, report: Report) -> Report:
        """Return the report with its known violations marked, and with the values of --strict, --warn and --require.

        If `update` is set, the baseline file is updated first.
        """
        from evolink_check.reports import baseline

        strictness = Strictness(self.strict, self.warn)
        report = replace(report, strictness=strictness, requirements=self.requirements)

        if self.path is None:
            return report
        if self.update:
            before = self.read(self.path) if self.path.is_file() else baseline.Baseline()
            content = baseline.update(report.verdicts, before)
            write(self.path, baseline.to_json(content))
            count = len(content.known)
            say(f"{self.path} now lists {count} known violation{'' if count == 1 else 's'}")
        else:
            content = self.read(self.path)
        gone = baseline.notes_on_fixed(report.verdicts, content)
        verdicts = baseline.apply(report.verdicts, content)
        return replace(report, verdicts=verdicts, notes=(*report.notes, *gone))


def write_reports(report: Report, baseline: BaselineOptions, files: ReportFiles) -> int:
    """Mark the known violations in a report, write the report files, print the report, and return the exit status."""
    report = baseline.apply(report)
    show(report, files)
    if files.serve_report:
        from evolink_check.cli.report_server import serve_report
        from evolink_check.reports.html.report import to_html

        serve_report(to_html(report))
    return report.exit_status


def show(report: Report, files: ReportFiles) -> None:
    """Write every report file and print the report.

    If a file cannot be written, the others are still written; then ValueError is raised.
    """
    from evolink_check.reports import terminal

    if files.har is not None:
        report = replace(report, har=str(files.har))
    failed = []
    for path, write_to, content in _contents(report, files):
        try:
            write_to(path, content)
        except OSError as problem:
            failed.append(f"{path}: cannot be written: {problem.strerror or problem}")
    terminal.show(report, sys.stderr if STDOUT in files.files else sys.stdout, verbose=files.verbose)
    if failed:
        raise ValueError("; ".join(failed))


def _contents(
    report: Report, files: ReportFiles
) -> Iterator[tuple[Path, Callable[[Path, Any], None], str | bytes]]:
    from evolink_check.reports import json_report, junit, markdown, verdict_tables
    from evolink_check.reports.html.report import to_html

    if files.har is not None:
        yield files.har, write, har_of(report.trace)
    if files.json is not None:
        yield files.json, write, json_report.to_json(report)
    if files.junit is not None:
        yield files.junit, write, junit.to_junit(report)
    if files.html is not None:
        yield files.html, write, to_html(report)
    if files.sarif is not None:
        yield files.sarif, write, verdict_tables.to_sarif(report.verdicts, formatting.violations)
    if files.markdown is not None:
        yield files.markdown, write_markdown, markdown.to_markdown(verdict_tables.page_of(report))


def har_of(trace: Trace) -> bytes:
    """Encode a trace as the bytes of a HAR file."""
    from importlib.metadata import version

    from evolink_check.traffic.har.archive import to_har

    return json.dumps(to_har(trace, version("evolink-mock")), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def say(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"evolink-check: {line}\n")
    sys.stderr.flush()


def cost_estimate_line(effort: Effort, estimate: Estimate) -> str:
    """Return the line about the cost of a run, which is shown before the run.

    With `--max-credits`, the line has the maximum cost of the run; without it, the line says what is not tested.
    """
    if effort.max_credits is None:
        return (
            "no --max-credits: nothing is sent that could create a task, so create responses, progress, results, "
            "callbacks and charges are not observed"
        )
    return f"up to {estimate.tasks} tasks, {estimate.credits:g} credits; budget {effort.max_credits:g}"


def violation_line(verdict: Verdict) -> str:
    """Return one line about a violated clause. The line describes the latest violation."""
    violation = verdict.violations[-1]
    return f"{verdict.status}  {verdict.clause.id}: {violation.seen}; expected: {violation.expected}"
