"""Write JUnit XML, which CI systems show.

The report on a server is one suite. Each clause is a test case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from evolink_check.reports import curl, formatting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report

# The format needs a few elements, so this module uses no package for JUnit XML.
_SHOWN = 5  # maximum number of different violations listed for a clause
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One test case."""

    classname: str
    name: str
    problem: Literal["failure", "error", "skipped"] | None = None  # None if the test case passes
    message: str = ""
    text: str = ""  # describes the problem, or is the output of a test case that passes
    severity: str = ""  # of the clause; empty if the test case is not about a clause


@dataclass(frozen=True, slots=True)
class Suite:
    """Test cases that ran together."""

    name: str
    cases: Sequence[Case]
    started: float  # Unix seconds
    seconds: float  # the duration of all test cases together
    output: Sequence[str] = field(default=())


def write(suites: Sequence[Suite], seconds: float) -> bytes:
    """Return the XML document in UTF-8.

    Characters that XML does not allow are replaced. `seconds` is the duration of all suites together.
    """
    cases = [case for suite in suites for case in suite.cases]
    root = ET.Element("testsuites", {**_totals(cases), "time": f"{seconds:.3f}"})
    for suite in suites:
        timestamp = datetime.fromtimestamp(suite.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        times = {"time": f"{suite.seconds:.3f}", "timestamp": timestamp}
        element = ET.SubElement(
            root, "testsuite", {"name": _xml(suite.name), **_totals(suite.cases), **times}
        )
        for case in suite.cases:
            _add_case(element, case)
        if suite.output:
            ET.SubElement(element, "system-out").text = _xml("\n".join(suite.output))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _totals(cases: Sequence[Case]) -> dict[str, str]:
    names = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {name: str(sum(case.problem == kind for case in cases)) for name, kind in names.items()}
    return {"tests": str(len(cases)), **counts}


def _add_case(suite: ET.Element, case: Case) -> None:
    names = {"classname": _xml(case.classname), "name": _xml(case.name), "time": "0"}
    element = ET.SubElement(suite, "testcase", names)
    if case.severity:
        properties = ET.SubElement(element, "properties")
        ET.SubElement(properties, "property", {"name": "severity", "value": case.severity})
    if case.problem is not None:
        detail = ET.SubElement(element, case.problem, {"message": _xml(case.message)})
        if case.problem != "skipped":
            detail.text = _xml(case.text) or None
    if case.text and case.problem in {None, "skipped"}:
        ET.SubElement(element, "system-out").text = _xml(case.text)


def to_junit(report: Report) -> bytes:
    """Return the JUnit file about a server, a recording, or a proxy."""
    suite = Suite(
        f"evolink-check {report.kind} {report.subject}",
        [*(_case(report, verdict) for verdict in report.verdicts), *shortfall_cases(report.shortfalls)],
        report.started,
        report.seconds,
        [formatting.counts_line(report), formatting.effort(report), *report.notes],
    )
    return write([suite], report.seconds)


def shortfall_cases(shortfalls: Sequence[str]) -> list[Case]:
    """Return a failed test case for each unmet requirement of --require."""
    return [
        Case("evolink.require", f"--require {number}", "failure", text)
        for number, text in enumerate(shortfalls, 1)
    ]


def _case(report: Report, verdict: Verdict) -> Case:
    clause = verdict.clause
    classname = f"evolink.{clause.id.partition('.')[0]}"
    text = _text(report, verdict) if verdict.violations else ""
    if report.strictness.fails(verdict):
        first = formatting.violations(verdict)[0]
        message = f"expected {first.expected}, seen {first.seen}"
        return Case(classname, clause.id, "failure", message, text, clause.severity)
    if verdict.known:
        return Case(classname, clause.id, "skipped", "failed, but is in the baseline", text, clause.severity)
    if verdict.status == "not observed":
        why = f"not observed; needs {report.conditions.needs(clause)}"
        return Case(classname, clause.id, "skipped", why, severity=clause.severity)
    return Case(classname, clause.id, text=text, severity=clause.severity)


def _text(report: Report, verdict: Verdict) -> str:
    violations = formatting.violations(verdict)
    lines = [verdict.clause.rule, formatting.clause_source(verdict.clause)]
    for violation in violations[:_SHOWN]:
        lines += [f"expected: {violation.expected}", f"seen: {violation.seen} ({violation.times} times)"]
        if excerpt := formatting.decisive_excerpt(report, violation):
            lines.append(f"request: {curl.curl(report, excerpt)}")
    if len(violations) > _SHOWN:
        lines.append(f"and {len(violations) - _SHOWN:,} more, of other kinds")
    if verdict.omitted:
        lines.append(f"and {verdict.omitted:,} more, which were only counted")
    repeat = formatting.repeat_command(report, verdict.clause)
    return "\n".join([*lines, f"repeat: {repeat}"] if repeat else lines)


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
