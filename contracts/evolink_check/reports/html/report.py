"""A run as one page to look at: it fetches nothing, needs no script, and shows nothing unescaped."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import TraceView
from evolink_check.reports import formatting
from evolink_check.reports.html.elements import Html, el
from evolink_check.reports.html.exchanges import exchange
from evolink_check.reports.html.page import document
from evolink_check.reports.html.task_lanes import LANES, LEGEND, lanes
from evolink_check.reports.html.timeline import legend, timeline
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Answer, Report

_SHOWN = 3  # different violations of a clause
_ENTRIES = 4  # exchanges of a violation


def to_html(report: Report) -> str:
    """The whole file."""
    subject = redact_text(report.subject)
    return document(
        f"evolink-check {report.kind}: {subject}",
        _head(report, subject),
        _coverage(report),
        _against(report, "failed", "Failed"),
        _against(report, "warning", "Warnings: recommendations that were not followed"),
        _lives(report),
        _answers(report.answers),
        _clauses(report),
        _notes(report),
    )


def _head(report: Report, subject: str) -> Html:
    new = sum(verdict.fails for verdict in report.verdicts)
    words = f"{new} clause{'' if new == 1 else 's'} failed" if new else "no failures that were not known"
    if not any(verdict.status == "failed" for verdict in report.verdicts):
        words = "everything that was observed passed"
    facts = {
        "began": datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "took": f"{report.seconds:.1f} s",
        "profile": report.profile,
        "seed": "" if report.seed is None else str(report.seed),
        "exchanges": str(len(report.trace.entries)),
        "tasks created": str(report.created),
        "credits spent": _spent(report),
        "recorded in": report.har,
    }
    items = [el("div", el("dt", name), el("dd", value)) for name, value in facts.items() if value]
    return el(
        "header",
        el("p", f"evolink-check {report.kind}", class_="kind"),
        el("h1", subject),
        el("p", words, class_=f"verdict {'failed' if new else 'passed'}"),
        el("dl", *items, class_="facts"),
        el("pre", redact_text(report.command), class_="command") if report.command else Html(),
    )


def _spent(report: Report) -> str:
    """Nothing of a recording: nobody counted there."""
    budget = f" of {report.budget:g}" if report.budget is not None else ""
    return f"{report.spent:g}{budget}" if report.kind == "api" else ""


def _coverage(report: Report) -> Html:
    sections: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        sections.setdefault(verdict.clause.id.partition(".")[0], []).append(verdict)
    tiles = [
        el("li", el("strong", str(count)), f" {word}", class_=word.replace(" ", "-"))
        for word, count in formatting.counts(report).items()
    ]
    rows = [el("div", el("span", name), _bar(found), class_="coverage") for name, found in sections.items()]
    return el("section", el("ul", *tiles, class_="tiles"), el("div", *rows, class_="bars"))


def _bar(verdicts: list[Verdict]) -> Html:
    parts = []
    for word in formatting.STATUSES:
        of_word = [one.clause.id for one in verdicts if one.status == word]
        if of_word:
            title = f"{word}: {', '.join(of_word)}"
            style = f"flex-grow: {len(of_word)}"
            named = {
                "title": title,
                "role": "img",
                "aria_label": title,
            }  # a number alone says little to an ear
            parts.append(el("i", str(len(of_word)), class_=word.replace(" ", "-"), style=style, **named))
    return el("div", *parts, class_="bar")


def _against(report: Report, word: str, title: str) -> Html:
    found = [verdict for verdict in formatting.ordered(report.verdicts) if verdict.status == word]
    if not found:
        return Html()
    return el("section", el("h2", title), *(_verdict(report, one) for one in found))


def _verdict(report: Report, verdict: Verdict) -> Html:
    clause, found = verdict.clause, formatting.violations(verdict)
    again = formatting.repeat(report, clause)
    more = len(found) - _SHOWN
    return el(
        "article",
        el("h3", clause.id, " ", _chip(verdict)),
        el("p", clause.rule),
        el("p", el("small", formatting.place(clause)), class_="place"),
        el("p", el("small", "Where the documents are silent: ", clause.choice)) if clause.choice else Html(),
        *(_violation(report, one) for one in found[:_SHOWN]),
        el("p", f"and {more} other kinds of it") if more > 0 else Html(),
        el("pre", again, class_="command") if again else Html(),
        class_=verdict.status,
        id=f"against-{clause.id}",
    )


def _violation(report: Report, violation: Violation) -> Html:
    entries = [
        report.trace.entries[number] for number in violation.numbers if number < len(report.trace.entries)
    ]
    return el(
        "div",
        el(
            "dl",
            el("div", el("dt", "expected"), el("dd", violation.expected)),
            el(
                "div",
                el("dt", "seen"),
                el("dd", violation.seen, " ", el("small", formatting.where(violation))),
            ),
            class_="violation",
        ),
        *(exchange(report, entry) for entry in entries[-_ENTRIES:]),
    )


def _chip(verdict: Verdict) -> Html:
    return el("span", formatting.status_text(verdict), class_=f"chip {verdict.status.replace(' ', '-')}")


def _lives(report: Report) -> Html:
    reading = TraceView(report.trace, report.spec or _built_in())
    shown, there = lanes(reading), len(reading.stories)
    if not shown:
        return Html()
    which = f"{len(shown)} of {there} tasks, those of which most was seen. " if there > LANES else ""
    return el(
        "section",
        el("h2", "The life of the tasks"),
        el(
            "p",
            f"{which}Seconds since the create, idle hours cut short; a dot is as high as its progress.",
            class_="hint",
        ),
        legend(LEGEND),
        el("div", timeline(shown, title="The life of the tasks as observed"), class_="drawing"),
    )


def _answers(answers: tuple[Answer, ...]) -> Html:
    rows = []
    for (method, path), found in groupby(answers, lambda one: (one.method, one.path)):
        chips = [
            el(
                "span",
                str(one.status),
                el("small", f" {one.seen} seen" if one.seen else " never"),
                class_=f"answer {'seen' if one.seen else 'unseen'}",
                title=one.description,
            )
            for one in found
        ]
        rows.append(el("tr", el("th", el("code", f"{method} {path}")), el("td", *chips)))
    return el("section", el("h2", "Documented answers"), el("table", *rows, class_="answers"))


def _clauses(report: Report) -> Html:
    head = el("tr", *(el("th", name) for name in ("clause", "verdict", "observed", "what it says")))
    rows = [
        el(
            "tr",
            el("td", _linked(verdict)),
            el("td", _chip(verdict)),
            el("td", str(verdict.observations) if verdict.observations else ""),
            el(
                "td",
                verdict.clause.rule,
                " ",
                el("small", formatting.place(verdict.clause)),
                _needed(verdict),
            ),
            data_status=verdict.status,
        )
        for verdict in report.verdicts
    ]
    return el(
        "section",
        el("h2", "Every clause"),
        el("p", id="filter", hidden=True),
        el("table", el("thead", head), el("tbody", *rows), class_="clauses", id="clauses"),
    )


def _needed(verdict: Verdict) -> Html:
    """What would have shown it, of what was not observed."""
    return el("small", f"needs: {verdict.clause.observed.by}") if verdict.status == "not observed" else Html()


def _linked(verdict: Verdict) -> Html:
    if verdict.violations:
        return el("a", verdict.clause.id, href=f"#against-{verdict.clause.id}")
    return el("code", verdict.clause.id)


def _notes(report: Report) -> Html:
    if not report.notes:
        return Html()
    return el("section", el("h2", "Notes"), el("ul", *(el("li", redact_text(note)) for note in report.notes)))


def _built_in() -> Spec:
    from evolink_spec import load

    return load()
