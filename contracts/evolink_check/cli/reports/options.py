"""The options for the reports and the baseline of `api`, `recording` and `proxy`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003  (part of a declaration)
from typing import TYPE_CHECKING, Annotated

from evolink_spec.options.declaration import Option

from evolink_check.analysis.verdicts import Strictness
from evolink_check.cli.options import SeverityOptions
from evolink_check.cli.reports.baseline_file import check_baseline, read_baseline
from evolink_check.cli.reports.summary_files import ServedReport, wanted_files
from evolink_check.cli.reports.writing import check_files

if TYPE_CHECKING:
    from evolink_check.reports.baseline import Baseline
    from evolink_check.reports.model import Report


_REPORTS = "Reports"


class ReportFiles(ServedReport, frozen=True, kw_only=True):
    """The files to which reports are written. `-` is stdout.

    If a report is written to stdout, the terminal report is written to stderr.
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
        check_files(self.files.values())

    @property
    def files(self) -> dict[str, Path]:
        """The path of each report that the user wants, by format."""
        return wanted_files(self, "har", "json", "junit", "html", "sarif", "markdown")


class BaselineOptions(SeverityOptions, frozen=True, kw_only=True):
    """Options that determine when a run fails, including the baseline."""

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
            help="Write the current violations to the --baseline file, but keep the entries of clauses that were not "
            "observed.",
            section=_REPORTS,
            name="--update-baseline",
        ),
    ] = False

    def check(self) -> None:
        """Raise ValueError if a value of --require or the baseline file is invalid.

        Raises ValueError if the baseline file must be updated and is not writable. Call this before anything is sent.
        """
        self.requirements  # noqa: B018  (raises ValueError)
        check_baseline(self.path, update=self.update)

    def known_violations(self, report: Report) -> Baseline | None:
        """Return the known violations, or None without a baseline file.

        With --update-baseline, the violations of the report are among them. The file is not written here.
        """
        from evolink_check.reports import baseline

        if self.path is None:
            return None
        if not self.update:
            return read_baseline(self.path)
        before = read_baseline(self.path) if self.path.is_file() else baseline.Baseline()
        return baseline.update(report.verdicts, before)

    def apply(self, report: Report, known: Baseline | None) -> Report:
        """Apply the known violations, --strict, --warn and --require to the report, and return it.

        If all violations of a verdict are known, the verdict is marked as known. If a verdict also has new violations,
        the returned report lacks its known violations.
        """
        from evolink_check.reports import baseline

        strictness = Strictness(self.strict, self.warn)
        report = replace(report, strictness=strictness, requirements=self.requirements)
        if known is None:
            return report
        gone = baseline.notes_on_fixed(report.verdicts, known)
        verdicts = baseline.apply(report.verdicts, known)
        return replace(report, verdicts=verdicts, notes=(*report.notes, *gone))
