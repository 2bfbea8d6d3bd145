"""Write the reports of the commands `api`, `recording` and `proxy`."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from evolink_check.cli.reports.writing import write_reports
from evolink_check.reports import formatting

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.cli.reports.options import BaselineOptions, ReportFiles
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Trace


def finish(report: Report, baseline: BaselineOptions, files: ReportFiles) -> int:
    """Apply the baseline, write the report files, and print the report. Return the exit status.

    Raises ValueError if a file cannot be written. Before that, the other files are written, and the report is printed.
    """
    from evolink_check.reports import json_report, junit, markdown, terminal, verdict_tables
    from evolink_check.reports.html.report import to_html

    known = baseline.known_violations(report)
    new_baseline = (baseline.path, known) if baseline.update and baseline.path and known else None
    report = baseline.apply(report, known)
    if files.har is not None:
        report = replace(report, har=str(files.har))
    makers: dict[str, Callable[[Report], str | bytes]] = {
        "har": lambda report: har_of(report.trace),
        "json": json_report.to_json,
        "junit": junit.to_junit,
        "html": to_html,
        "sarif": lambda report: verdict_tables.to_sarif(report.verdicts, formatting.violations),
        "markdown": lambda report: markdown.to_markdown(verdict_tables.page_of(report)),
    }
    show = partial(terminal.show, verbose=files.verbose)
    write_reports(report, files.files, makers, show, baseline=new_baseline)
    if files.serve_report:
        from evolink_check.cli.reports.server import serve_report

        serve_report(to_html(report))
    return report.exit_status


def har_of(trace: Trace) -> bytes:
    """Encode a trace as the bytes of a HAR file."""
    from importlib.metadata import version

    from evolink_check.traffic.har.archive import to_har

    return json.dumps(to_har(trace, version("evolink-mock")), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
