"""Write a comparison as SARIF. Each change becomes one SARIF result.

A result is located at the change in the new document. Without a place there, the result is located in the old document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evolink_check.drift.baseline import fingerprint_of
from evolink_check.drift.reports.terminal import title
from evolink_check.reports.sarif import Level, Result
from evolink_check.reports.sarif import to_sarif as write

if TYPE_CHECKING:
    from evolink_check.drift.records import Change, Verdict
    from evolink_check.drift.report import DriftReport

_LEVELS: dict[Verdict, Level] = {"breaking": "error", "notice": "warning", "non-breaking": "note"}


def to_sarif(report: DriftReport) -> str:
    """Return the report as SARIF."""
    rules = {change.kind: change.kind.replace("-", " ").capitalize() for change in report.changes}
    return write([_result(change) for change in report.changes], rules)


def _result(change: Change) -> Result:
    known = [place for place in (change.new, change.old) if place is not None]
    places, lines = [(place.file, place.pointer) for place in known], [place.line for place in known]
    message = f"{title(change)}; {change.reason}"
    if change.proof is not None:
        body = json.dumps(change.proof.body, ensure_ascii=False)
        message += f". Accepted before, refused now ({change.proof.refusal}): {body}"
    return Result(
        change.kind,
        _LEVELS[change.verdict],
        message,
        places,
        fingerprint_of(change),
        suppressed=change.known,
        lines=lines,
    )
