"""Write a report as one HTML page.

The page loads no other file, works without its script, and escapes all texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from evolink_check.reports import formatting
from evolink_check.reports.html.exchanges import exchange_view
from evolink_check.reports.html.page import render
from evolink_check.reports.html.task_lanes import LANES, LEGEND, lanes
from evolink_check.reports.html.timeline import draw

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Status, Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.html.exchanges import ExchangeView
    from evolink_check.reports.model import Answer, Report

_SHOWN = 3  # maximum number of different violations shown for a clause
_ENTRIES = 4  # maximum number of exchanges shown for a violation


@dataclass(frozen=True, slots=True)
class VerdictDetails:
    """A verdict with the violations and exchanges that the page shows."""

    verdict: Verdict
    violations: tuple[tuple[Violation, tuple[ExchangeView, ...]], ...]  # each with its evidence
    more: int  # the number of violations that the page leaves out; zero or less if there are none
    repeat: str  # the command that checks the clause again


def to_html(report: Report) -> str:
    """Return the content of the HTML file."""
    shown, tasks = lanes(report.evidence.view), len(report.evidence.view.tasks)
    return render(
        "report.html",
        report=report,
        headline=headline(report),
        facts=_facts(report),
        counts=formatting.counts(report.verdicts),
        sections=formatting.sections(report.verdicts),
        groups=[(title, _details(report, status)) for status, title in formatting.TITLES.items()],
        drawing=draw(shown, title="Tasks over time") if shown else None,
        drawing_note=f"{len(shown)} of {tasks} tasks, those with the most events. " if tasks > LANES else "",
        LANE_LEGEND=LEGEND,
        operations=_operations(report.answers),
    )


def headline(report: Report) -> str:
    """Summarize the verdicts in one line.

    If the run was cut short, the line ends with the reason.
    """
    failures = sum(report.strictness.fails(verdict) for verdict in report.verdicts)
    if failures:
        line = f"{failures} clause{'' if failures == 1 else 's'} failed"
    elif report.shortfalls:
        line = report.shortfalls[0]
    elif any(verdict.status == "failed" for verdict in report.verdicts):
        line = "no new failures"
    else:
        line = "everything that was observed passed"
    return f"{line}; {report.cut_short}" if report.cut_short else line


def _facts(report: Report) -> list[tuple[str, str]]:
    return [
        ("started", datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("duration", f"{report.seconds:.1f} s"),
        ("profile", report.profile),
        ("seed", "" if report.seed is None else str(report.seed)),
        ("exchanges", str(len(report.evidence))),
        ("tasks created", str(report.created)),
        ("credits spent", formatting.credits_spent(report)),
        ("recorded in", report.har),
    ]


def _details(report: Report, status: Status) -> list[VerdictDetails]:
    details = []
    for verdict in formatting.ordered(report.verdicts):
        if verdict.status == status:
            violations = formatting.violations(verdict)
            shown = tuple((violation, _exchanges(report, violation)) for violation in violations[:_SHOWN])
            repeat = formatting.repeat_command(report, verdict.clause)
            details.append(VerdictDetails(verdict, shown, len(violations) - _SHOWN, repeat))
    return details


def _exchanges(report: Report, violation: Violation) -> tuple[ExchangeView, ...]:
    excerpts = [report.evidence.excerpt(number) for number in violation.numbers]
    there = [excerpt for excerpt in excerpts if excerpt is not None]
    return tuple(exchange_view(report, excerpt) for excerpt in there[-_ENTRIES:])


def _operations(answers: tuple[Answer, ...]) -> list[tuple[str, list[Answer]]]:
    groups = groupby(answers, lambda answer: f"{answer.method} {answer.path}")
    return [(operation, list(group)) for operation, group in groups]
