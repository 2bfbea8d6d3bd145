"""A run as JUnit XML, which CI systems show: a suite a run, a case a clause. Pure.

None of the packages that write JUnit is among ours, and there is no more to it than a few elements.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from evolink_check.reports import curl, formatting
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report

_SHOWN = 5  # different violations of a clause
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> bytes:
    """The text of the file, in UTF-8."""
    failed = sum(verdict.fails for verdict in report.verdicts)
    skipped = sum(_is_skipped(verdict) for verdict in report.verdicts)
    totals = {
        "tests": str(len(report.verdicts)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(skipped),
    }
    time = f"{report.seconds:.3f}"
    root = ET.Element("testsuites", {**totals, "time": time})
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": _xml(f"evolink-check {report.kind} {redact_text(report.subject)}"),
            **totals,
            "time": time,
            "timestamp": datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    for verdict in report.verdicts:
        _case(report, verdict, suite)
    told = [formatting.counted(report), formatting.effort(report), *map(redact_text, report.notes)]
    ET.SubElement(suite, "system-out").text = _xml("\n".join(told))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _case(report: Report, verdict: Verdict, suite: ET.Element) -> None:
    clause = verdict.clause
    section = clause.id.partition(".")[0]
    case = ET.SubElement(
        suite, "testcase", {"classname": f"evolink.{section}", "name": clause.id, "time": "0"}
    )
    if verdict.fails:
        first = formatting.violations(verdict)[0]
        message = f"expected {first.expected}, seen {first.seen}"
        failure = ET.SubElement(case, "failure", {"type": "failed", "message": _xml(message)})
        failure.text = _xml(_text(report, verdict))
    elif verdict.known:
        ET.SubElement(case, "skipped", {"message": "failed, and known by the baseline"})
    elif verdict.status == "not observed":
        ET.SubElement(case, "skipped", {"message": _xml(f"not observed: {clause.observed.by}")})
    if verdict.violations and not verdict.fails:
        ET.SubElement(case, "system-out").text = _xml(_text(report, verdict))


def _is_skipped(verdict: Verdict) -> bool:
    return verdict.known or verdict.status == "not observed"


def _text(report: Report, verdict: Verdict) -> str:
    found = formatting.violations(verdict)
    lines = [verdict.clause.rule, formatting.place(verdict.clause)]
    for violation in found[:_SHOWN]:
        lines += [f"expected: {violation.expected}", f"seen: {violation.seen} ({violation.times} times)"]
        entry = formatting.decisive(report, violation)
        if entry is not None:
            lines.append(f"request: {curl.curl(report, entry)}")
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} other kinds of it")
    again = formatting.repeat(report, verdict.clause)
    return "\n".join([*lines, f"repeat: {again}"] if again else lines)


def _xml(text: str) -> str:
    """A text without the characters that XML 1.0 has no way to write."""
    return _NO_XML.sub("\ufffd", text)
