"""A battery as one self-contained page: what to change, scenarios by rules, a drawing of each run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.client.reports.timeline import LEGEND, lane_of
from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.reports.html.elements import Html, el
from evolink_check.reports.html.page import document
from evolink_check.reports.html.timeline import legend, timeline

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun

_SIGNS = {"passed": "✓", "warning": "!", "failed": "✗", "not observed": "·"}
_OUTPUT = 4000  # characters of a client's output


def to_html(summary: Summary) -> str:
    """The whole page."""
    return document(
        "evolink-check client",
        el("h1", "evolink-check client"),
        el("p", el("code", summary.command)),
        el("p", el("strong", summary.score)),
        *(el("p", note) for note in summary.notes),
        *(_against(one, summary) for one in summary.against),
        el("h2", "Scenarios and rules"),
        _matrix(summary),
        el("h2", "Every run"),
        legend(LEGEND),
        *(_run(run) for run in summary.runs),
    )


def _against(verdict: Verdict, summary: Summary) -> Html:
    clause = verdict.clause
    found = [(run, of) for run in summary.runs for of in run.violations if of.clause == clause]
    return el(
        "article",
        el("h3", f"{verdict.status}: {clause.id}"),
        el("p", clause.rule),
        el("p", f"{clause.document} {clause.pointer}") if clause.document else Html(),
        el("ul", *(_violation(run, one) for run, of in found for one in of.violations)),
        el("p", "To change: ", ADVICE[clause.id]),
        class_=verdict.status,
    )


def _violation(run: ScenarioRun, found: Finding) -> Html:
    link = el("a", run.scenario.id, href=f"#{run.scenario.id}")
    return el("li", link, f": expected {found.expected}, seen {found.seen}")


def _matrix(summary: Summary) -> Html:
    """A row a rule, a column a scenario: rules have long names, and there are fewer of them."""
    observed = summary.observed
    head = el("tr", el("th", "rule"), *(el("th", _upright(run)) for run in summary.runs))
    rows = [
        el("tr", el("th", one.clause.id, title=one.clause.rule), *_cells(one, summary)) for one in observed
    ]
    return el(
        "div", el("table", el("thead", head), el("tbody", *rows), class_="matrix"), style="overflow-x: auto"
    )


def _upright(run: ScenarioRun) -> Html:
    link = el("a", run.scenario.id, href=f"#{run.scenario.id}")
    return el("span", link, style="writing-mode: vertical-rl", title=run.scenario.about)


def _cells(verdict: Verdict, summary: Summary) -> list[Html]:
    cells = []
    for run in summary.runs:
        words = {one.clause.id: one.status for one in run.verdicts}
        word = words.get(verdict.clause.id, "not observed")
        cells.append(
            el("td", _SIGNS[word], class_=word.replace(" ", "-"), title=f"{run.scenario.id}: {word}")
        )
    return cells


def _run(run: ScenarioRun) -> Html:
    outcome, seconds = run.outcome, run.outcome.ended - run.outcome.began
    ended = (
        "was killed"
        if outcome.end == "killed"
        else f"ended with {outcome.end} (exit status {outcome.status})"
    )
    told = run.problem or f"The client {ended} after {seconds:.1f} s."
    against = ", ".join(f"{one.clause.id} {one.status}" for one in run.violations)
    return el(
        "section",
        el("h3", run.scenario.id),
        el("p", run.scenario.about, " ", told, f" {against}" if against else ""),
        timeline([lane_of(run)], title=f"Requests of {run.scenario.id}", seconds=seconds),
        _output(run),
        id=run.scenario.id,
    )


def _output(run: ScenarioRun) -> Html:
    text = run.outcome.text.strip()
    if not text:
        return Html()
    return el("details", el("summary", "output"), el("pre", text[-_OUTPUT:]))
