"""Write the result of a suite as an HTML page.

The page has advice, a table of scenarios and clauses, and timelines of runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evolink_check.client.reports.timeline import LEGEND, lane_of
from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.reports import formatting
from evolink_check.reports.html.page import render
from evolink_check.reports.html.timeline import draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.analysis.verdicts import Status, Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.reports.formatting import Violation

_SIGNS: Mapping[Status, str] = {"passed": "✓", "warning": "!", "failed": "✗", "not observed": "·"}
_SHOWN = 20  # maximum number of different violations shown for a clause
_OUTPUT = 4000  # how many characters of a client's output are shown, from its end


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange of a run."""

    at: str  # when the request began, such as `1.25 s` after the start of the run
    request: str
    status: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A violation, with an example: the first run that has this violation."""

    violation: Violation
    exchanges: list[Exchange]
    drawing: object


@dataclass(frozen=True, slots=True)
class ClauseDetails:
    """A verdict, its different violations, and advice on how to change the client."""

    verdict: Verdict
    causes: list[Cause]
    more: int  # the number of violations that are not shown; zero or negative if all are shown
    advice: str


def to_html(summary: Summary) -> str:
    """Return the HTML page."""
    return render(
        "client.html",
        summary=summary,
        facts=_facts(summary),
        groups=[(title, _details(summary, status)) for status, title in formatting.TITLES.items()],
        matrix=[(verdict, _statuses(verdict, summary)) for verdict in summary.observed],
        runs=[(run, _ending(run), _output(run), _drawing(run)) for run in summary.runs],
        sections=formatting.sections(summary.verdicts),
        SIGNS=_SIGNS,
        RUN_LEGEND=LEGEND,
        warning_note=formatting.warning_note,
    )


def _facts(summary: Summary) -> list[tuple[str, str]]:
    return [
        ("started", datetime.fromtimestamp(summary.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("duration", f"{summary.seconds:.1f} s"),
        ("scenarios", str(len(summary.runs))),
        ("seed", "" if summary.seed is None else str(summary.seed)),
    ]


def _details(summary: Summary, status: Status) -> list[ClauseDetails]:
    details = []
    for verdict in summary.against:
        if verdict.status == status:
            violations = summary.violations(verdict)
            causes = [_cause(summary, violation) for violation in violations[:_SHOWN]]
            more = len(violations) - _SHOWN
            details.append(ClauseDetails(verdict, causes, more, ADVICE[verdict.clause.id]))
    return details


def _cause(summary: Summary, violation: Violation) -> Cause:
    run = summary.run_of(violation.sources[0])
    exchanges = [
        Exchange(
            f"{entry.began - run.outcome.began:.2f} s",
            f"{entry.exchange.method} {entry.exchange.url}",
            str(entry.exchange.status or "no answer"),
        )
        for entry in (run.trace.entries[number] for number in violation.numbers)
    ]
    return Cause(violation, exchanges, _drawing(run))


def _statuses(verdict: Verdict, summary: Summary) -> list[tuple[ScenarioRun, Status]]:
    cells: list[tuple[ScenarioRun, Status]] = []
    for run in summary.runs:
        statuses = {other.clause.id: other.status for other in run.verdicts}
        cells.append((run, statuses.get(verdict.clause.id, "not observed")))
    return cells


def _ending(run: ScenarioRun) -> str:
    outcome, seconds = run.outcome, run.outcome.ended - run.outcome.began
    if run.problem:
        return run.problem
    if outcome.answers:
        return f"The receiver answered {outcome.answers}."
    if outcome.end == "killed":
        return f"The client was killed after {seconds:.1f} s."
    return f"The client ended with {outcome.end} (exit status {outcome.status}) after {seconds:.1f} s."


def _output(run: ScenarioRun) -> str:
    return run.outcome.text.strip()[-_OUTPUT:]


def _drawing(run: ScenarioRun) -> object:
    seconds = run.outcome.ended - run.outcome.began
    return draw([lane_of(run)], title=f"Requests of {run.scenario.id}", seconds=seconds)
