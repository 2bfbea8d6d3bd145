from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import violation
from evolink_check.reports.html import report as html
from evolink_check.reports.html.task_lanes import LANES, lanes
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.report_builders import CLAUSES, HOSTILE, SECRET, full, lived, planted, report, verdicts
from support.records.trace_builders import SPEC, Tracing, completed, error, processing, task

if TYPE_CHECKING:
    from evolink_check.reports.model import Report

KNOWN = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "script",
        "header",
        "section",
        "article",
        "div",
    ),
    *("p", "h1", "h2", "h3", "h5", "dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("pre", "code", "small", "strong", "span", "i", "a", "details", "summary", "svg", "g", "line", "text"),
    *("polyline", "path"),
}


class Page(HTMLParser):
    """What a browser would make of it: elements in order, and texts by element."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "well nested"

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def shown(self) -> str:
        return "".join(data for tag, data in self.texts if tag not in {"style", "script"})

    def of(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and class_ in [*(attributes.get("class") or "").split(), ""]
        ]


def page(one: Report | None = None, **more: Any) -> Page:
    return Page(html.to_html(one or report(**more)))


def test_the_page_fetches_nothing() -> None:
    source = html.to_html(report())
    found = Page(source)
    for tag, attributes in found.elements:
        assert tag not in {"link", "img", "iframe", "object", "base", "form", "image", "use"}
        assert not attributes.keys() & {"src", "srcset", "action", "xlink:href", "background"}
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in source
    assert "@import" not in source


def test_only_the_script_of_the_house_may_run() -> None:
    source = html.to_html(report())
    (policy,) = [one["content"] for _, one in Page(source).elements if "http-equiv" in one]
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_a_hostile_server_gets_no_markup_in() -> None:
    found = page(planted())
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert len(found.of("script")) == 1
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert "<script>alert('x')</script>" in found.shown, "it is shown as what it is"


def test_nothing_invisible_of_a_server_is_left() -> None:
    source = html.to_html(planted())
    assert not {char for char in source if not char.isprintable()} - {"\n"}
    assert "\\u001b[31m" in source


@settings(max_examples=15, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9]{12,40}[0-9]", fullmatch=True), st.text(max_size=20))
def test_no_secret_is_shown_and_no_text_breaks_the_page(secret: str, other: str) -> None:
    source = html.to_html(planted(secret, other))
    assert secret not in source
    assert {tag for tag, _ in Page(source).elements} <= KNOWN


FIELDS = (
    "subject",
    "command",
    "profile",
    "har",
    "cut_short",
    "expected",
    "seen",
    "url",
    "header",
    "body",
    "problem",
)


@pytest.mark.parametrize("field", FIELDS)
def test_a_hostile_text_in_any_field_is_shown_as_text(field: str) -> None:
    hostile = {name: HOSTILE if name == field else "plain" for name in FIELDS}
    trace = Tracing()
    trace.exchange(
        "GET",
        f"/v1/{hostile['url']}",
        0,
        hostile["body"].encode(),
        asked=hostile["body"].encode(),
        sent=((hostile["header"], hostile["header"]),),
        headers=((hostile["header"], hostile["header"]),),
        problem=hostile["problem"],
    )
    judged = verdicts(wire__json=(violation(0, expected=hostile["expected"], seen=hostile["seen"]),))
    more = {name: hostile[name] for name in ("subject", "command", "profile", "har", "cut_short")}
    found = page(report(trace, judged, **more))
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>" in found.shown
    assert "\\u001b[31m\\u0000\\u0007\\u202e" in found.shown


@pytest.mark.parametrize("field", ["model", "status", "error", "id"])
def test_a_hostile_text_in_a_task_is_drawn_as_text(field: str) -> None:
    hostile = {"status": "failed", "error": {"code": "x"}, "id": task()["id"], "model": "m"}
    hostile[field] = {"code": HOSTILE} if field == "error" else HOSTILE
    trace = Tracing()
    trace.create({**task(), "id": hostile["id"]})
    trace.query({**task(), **hostile}, id_=str(hostile["id"]))
    found = page(report(trace))
    assert {tag for tag, _ in found.elements} <= KNOWN
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_the_head_says_how_it_went_and_what_it_took() -> None:
    shown = page(har="all.har").shown
    for words in (
        "https://api.example.test",
        "3 clauses failed",
        "2025-09-06 14:42:23 UTC",
        "12.3 s",
        "10 of 20",
    ):
        assert words in shown
    assert "all.har" in shown
    known = tuple(replace(one, known=bool(one.violations)) for one in full())
    assert "no new failures" in page(judged=known).shown
    assert "everything that was observed passed" in page(judged=verdicts()).shown


def test_that_a_run_was_cut_short_stands_beside_the_verdict() -> None:
    assert "3 clauses failed; cut short: stopped" in page(cut_short="cut short: stopped").shown
    passed = page(judged=verdicts(), cut_short="cut short: stopped")
    assert "everything that was observed passed; cut short: stopped" in passed.shown


def test_each_section_has_its_bar() -> None:
    found = page()
    sections = {one.id.partition(".")[0] for one in CLAUSES if one.binds == "server"}
    assert len(found.of("div", "coverage")) == len(sections)
    bars = [(one["class"], one["style"], one["title"]) for one in found.of("i")]
    assert ("failed", "flex-grow: 1", "failed: callback.retries") in bars
    assert ("passed", "flex-grow: 1", "passed: callback.post") in bars
    assert all(one["aria-label"] == one["title"] for one in found.of("i")), "for those who hear it"


def _colours() -> list[dict[str, str]]:
    """Those by day and by night."""
    css = Path(html.__file__).with_name("page.css").read_text()
    day, night = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    by_day = dict(re.findall(r"--([\w-]+): (#\w{6});", day))
    return [by_day, by_day | dict(re.findall(r"--([\w-]+): (#\w{6});", night))]


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("words", "ground"),
    [
        *(("on", word) for word in ("passed", "failed", "warning")),
        *(("ink", ground) for ground in ("paper", "card", "code")),
        *(("soft", ground) for ground in ("paper", "card", "code", "line")),
        *((word, "card") for word in ("passed", "failed", "warning")),
    ],
)
def test_words_can_be_read_by_day_and_by_night(words: str, ground: str) -> None:
    for colours in _colours():
        assert _contrast(colours[words], colours[ground]) >= 4.5, colours


def test_a_failure_shows_its_exchanges() -> None:
    found = page(
        judged=verdicts(create__answers_200=(violation(0, 2, expected="200 it is", seen="201 it was"),))
    )
    assert len(found.of("article", "failed")) == 1
    assert len(found.of("details", "exchange")) == 2
    for words in (
        "200 it is",
        "201 it was",
        "entries 0, 2",
        "Content-Type",
        '"prompt": "A dance"',
        "2 headers",
    ):
        assert words in found.shown
    assert "--clause create.answers-200" in found.shown
    assert 'Bearer $EVOLINK_API_KEY"' in found.shown


def test_a_violation_without_entries_is_shown_too() -> None:
    found = page(
        judged=verdicts(
            wire__json=(violation(expected="x", seen="nothing came"), violation(99, expected="y", seen="z"))
        )
    )
    assert "nothing came" in found.shown
    assert not found.of("details", "exchange")


def test_kinds_without_end_are_not_all_shown() -> None:
    many = tuple(violation(0, expected="x", seen=f"kind {number}") for number in range(9))
    assert "and 6 more, of other kinds" in page(judged=verdicts(wire__json=many)).shown


def test_what_is_only_noted_stands_apart() -> None:
    found = page()
    assert len(found.of("article", "warning")) == 1
    assert "Warnings" in found.shown
    assert "Warnings: recommendations" not in page(judged=verdicts()).shown


@pytest.mark.parametrize(
    ("answer", "kind", "shown"),
    [
        (b"\x00\x01\xff", "video/mp4", "3 bytes that are not text"),
        (b"<html>bad gateway</html>", "text/html", "<html>bad gateway</html>"),
        (b"x" * 9000, "text/plain", "5,000 more characters"),
        (b"", "text/plain", "no body"),
        (b'{"a":1}', "video/mp4", '{\n  "a": 1\n}'),
    ],
)
def test_a_body_is_shown_as_what_it_is(answer: bytes, kind: str, shown: str) -> None:
    trace = Tracing()
    trace.create(answer, headers=(("Content-Type", kind),))
    judged = verdicts(wire__json=(violation(0, expected="x", seen="y"),))
    assert shown in page(report(trace, judged)).shown


def test_a_body_that_was_not_kept_is_told_by_its_length() -> None:
    trace = Tracing()
    trace.link(answer=b"")
    trace.entries[0] = replace(trace.entries[0], size=7_000_000)
    judged = verdicts(wire__json=(violation(0, expected="x", seen="y"),))
    assert "a body of 7000000 bytes, not kept" in page(report(trace, judged)).shown


def test_documented_answers_are_seen_or_never() -> None:
    found = page()
    assert len(found.of("span", "seen")) == 5
    assert len(found.of("span", "unseen")) == len(report().answers) - 5


def test_every_clause_is_in_the_table_and_those_that_are_broken_are_linked() -> None:
    found = page()
    assert len([one for one in found.of("tr") if "data-status" in one]) == len(full())
    links = {one["href"] for one in found.of("a")}
    assert links == {f"#{one['id']}" for one in found.of("article")}
    assert len(links) == 5


def test_what_was_not_observed_says_what_it_needs() -> None:
    shown = page().shown
    conditions = report().conditions
    missing = [one.clause for one in full() if one.status == "not observed"]
    assert missing
    assert all(f"needs {conditions.needs(clause)}" in shown for clause in missing)


def test_of_a_recording_nobody_counted_the_credits() -> None:
    assert "credits spent" in page().shown
    assert "credits spent" not in page(kind="recording").shown


def test_notes_are_shown() -> None:
    assert "whose task it is was not checked" in page().shown
    assert "Notes" not in page(notes=()).shown


def test_the_documents_of_the_run_are_those_it_is_drawn_by() -> None:
    other = replace(SPEC, query=replace(SPEC.query, path="/v9/jobs/{id}"))
    assert "Tasks over time" in page().shown
    in_legend = 5
    assert len(page().of("path", "dot")) > in_legend
    assert len(page(spec=other).of("path", "dot")) == in_legend, "no query is one by these documents"


# The lives that are drawn


def drawn(trace: Tracing) -> list[tuple[str, list[tuple[str, str, float | None]]]]:
    found = lanes(TraceView(trace.trace(), SPEC))
    return [(lane.label, [(mark.shape, mark.tone, mark.level) for mark in lane.marks]) for lane in found]


def test_a_lane_shows_all_that_was_seen_of_a_task() -> None:
    first, second = drawn(lived())
    assert first == (
        "1757169743-7cvnl5zw",
        [
            *(("diamond", "pending", 0.0), ("dot", "processing", 0.0), ("dot", "processing", 0.2)),
            *(("dot", "processing", 0.45), ("dot", "processing", 0.8), ("dot", "completed", 1.0)),
            *(("triangle", "bad", None), ("triangle", "bad", None), ("triangle", "good", None)),
            ("square", "good", None),
        ],
    )
    assert [mark[:2] for mark in second[1]] == [
        *(
            ("diamond", "pending"),
            ("dot", "processing"),
            ("dot", "failed"),
            ("cross", "bad"),
            ("cross", "bad"),
        ),
    ]


@pytest.mark.parametrize(("who", "crosses"), [("wrong", 0), ("nobody", 0), ("other", 0), ("main", 1)])
def test_only_a_refusal_of_the_creators_own_query_is_a_cross(who: str, crosses: int) -> None:
    trace = Tracing()
    trace.create()
    trace.query(error("unauthorized", "authentication_error"), 401, who=who)
    trace.query(completed())
    ((_, marks),) = drawn(trace)
    assert [shape for shape, _, _ in marks].count("cross") == crosses


def test_marks_say_what_they_are() -> None:
    first, second = lanes(TraceView(lived().trace(), SPEC))
    titles = [mark.title for lane in (first, second) for mark in lane.marks]
    for words in (
        "create at 0.0 s (entry 0): 200, pending 0 %",
        "query at 3.3 s (entry 3): 200, processing 20 %",
        "callback at 6.6 s (entry 6): completed, answered 500",
        "callback at 7.7 s (entry 7): completed, no answer (it was told not to answer)",
        "result at 11.0 s (entry 10): 200",
        "query at 2.2 s (entry 13): no answer (the connection was lost)",
    ):
        assert words in titles
    assert second.note == "generation_timeout"


def test_strange_states_and_numbers_are_drawn_too() -> None:
    trace = Tracing()
    trace.create(task(status="odd", progress=900))
    trace.query(processing("half"))  # type: ignore[arg-type]
    trace.query({**task(), "status": ["x"], "progress": -5})
    ((_, marks),) = drawn(trace)
    assert marks == [("diamond", "muted", 0.0), ("dot", "processing", 0.0), ("dot", "muted", 0.0)]


def test_of_many_tasks_those_are_drawn_of_which_most_was_seen() -> None:
    trace = Tracing()
    ids = [f"task-unified-1757169743-{number:08d}" for number in range(LANES + 5)]
    for id_ in ids:
        trace.create(task(id=id_))
    for id_ in ids[5:]:
        trace.query(completed(id=id_), id_=id_)
    found = drawn(trace)
    assert [label for label, _ in found] == [id_.removeprefix("task-unified-") for id_ in ids[5:]]
    assert f"{LANES} of {LANES + 5} tasks" in page(report(trace)).shown


def test_without_tasks_nothing_is_drawn() -> None:
    trace = Tracing()
    trace.credits(5)
    assert drawn(trace) == []
    assert "Tasks over time" not in page(report(trace)).shown


def test_a_code_that_a_server_made_up_is_no_markup_and_tells_no_secret() -> None:
    for code in (HOSTILE, f"https://x.test/?s={SECRET}", "https://x.test/?s=Qw3rTy"):
        trace = Tracing()
        trace.create()
        trace.query({**task(), "status": "failed", "error": {"code": code}})
        found = page(report(trace))
        assert {tag for tag, _ in found.elements} <= KNOWN
        assert not re.search("s3cr3t|Qw3rTy", json.dumps(found.texts))
