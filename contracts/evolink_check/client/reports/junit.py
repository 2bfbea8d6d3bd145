"""A battery as JUnit XML: a suite a scenario, a case a clause that it speaks of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from evolink_check.client.verdicts.remedies import ADVICE

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun


def to_junit(summary: Summary) -> bytes:
    """The XML document. Advice that is not followed is told in a case that passes, unless the battery is strict."""
    root = Element("testsuites", name="evolink-check client", time=f"{summary.seconds:.3f}")
    for run in summary.runs:
        _suite(root, run, summary)
    found = tostring(root, encoding="utf-8", xml_declaration=True)
    assert isinstance(found, bytes)  # noqa: S101  (it is, with an encoding)
    return found


def _suite(root: Element, run: ScenarioRun, summary: Summary) -> None:
    observed = [one for one in run.verdicts if one.status != "not observed"]
    failed = [one for one in observed if summary.fails(one)]
    suite = SubElement(
        root,
        "testsuite",
        name=run.scenario.id,
        tests=str(len(observed) + bool(run.problem)),
        failures=str(len(failed)),
        errors=str(int(bool(run.problem))),
        time=f"{run.outcome.ended - run.outcome.began:.3f}",
    )
    if run.problem:
        case = SubElement(suite, "testcase", classname=run.scenario.id, name="runs")
        SubElement(case, "error", message=_plain(run.problem))
    for one in observed:
        _case(suite, one, run, fails=one in failed)


def _case(suite: Element, verdict: Verdict, run: ScenarioRun, *, fails: bool) -> None:
    case = SubElement(suite, "testcase", classname=run.scenario.id, name=verdict.clause.id)
    if not verdict.violations:
        return
    text = "\n".join(f"expected {one.expected}; seen {one.seen}" for one in verdict.violations)
    text = _plain(f"{verdict.clause.rule}\n{text}\n{ADVICE[verdict.clause.id]}")
    if fails:
        SubElement(case, "failure", message=_plain(verdict.violations[0].seen)).text = text
    else:
        SubElement(case, "system-out").text = text


def _plain(text: str) -> str:
    """Text that XML can carry."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
