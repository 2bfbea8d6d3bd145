"""Write a comparison as JUnit XML. Each change is a test case.

A test case fails if its change is breaking and not in the baseline.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evolink_check.drift.reports.terminal import title
from evolink_check.reports.junit import Case, Suite, write

if TYPE_CHECKING:
    from evolink_check.drift.records import Change
    from evolink_check.drift.report import DriftReport


def to_junit(report: DriftReport) -> bytes:
    """Return the report as JUnit XML. If nothing changed, the XML has one passing test case."""
    cases = [_case(change) for change in report.changes] or [Case("drift", "no change")]
    name = f"evolink-check drift {report.old} {report.new}"
    return write([Suite(name, cases, report.started, report.seconds, [*report.notes])], report.seconds)


def _case(change: Change) -> Case:
    lines = [change.reason]
    lines += [f"{name}: {place}" for name, place in (("old", change.old), ("new", change.new)) if place]
    if change.proof is not None:
        lines.append(f"accepted by the old schema: {json.dumps(change.proof.body, ensure_ascii=False)}")
        lines.append(f"refused by the new one: {change.proof.refusal}")
    classname, text = f"drift.{change.kind}", "\n".join(lines)
    if change.known:
        return Case(classname, title(change), "skipped", "breaking, but in the baseline", text)
    if change.fails:
        return Case(classname, title(change), "failure", change.text, text)
    return Case(classname, title(change), text=f"{change.verdict}\n{text}")
