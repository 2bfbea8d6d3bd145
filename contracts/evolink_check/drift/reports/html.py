"""Write a comparison as one self-contained HTML page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evolink_check.drift.records import VERDICTS
from evolink_check.reports.html.page import render

if TYPE_CHECKING:
    from evolink_check.drift.report import DriftReport

# The styles of the page are named after the statuses of clauses, so each verdict uses the style of a status.
_STATUSES = {"breaking": "failed", "notice": "warning", "non-breaking": "passed"}


def to_html(report: DriftReport) -> str:
    """Return the HTML page."""
    groups = [
        (verdict, [change for change in report.changes if change.verdict == verdict]) for verdict in VERDICTS
    ]
    return render(
        "drift.html",
        report=report,
        facts=[
            ("old", report.old),
            ("new", report.new),
            ("started", datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
            ("consumers", "strict" if report.strict else "lenient"),
        ],
        groups=groups,
        STATUSES=_STATUSES,
        as_json=lambda value: json.dumps(value, indent=1, ensure_ascii=False),
    )
