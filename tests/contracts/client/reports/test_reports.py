"""What a battery has found, in every format: nothing is lost, and nothing gets in that is no text."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import jsonschema_rs
import pytest
from contracts.client.verdicts.test_outcome_rules import (
    CLAUSES,
    DONE,
    PART,
    PLAIN,
    WHOLE,
    asked,
    ended,
    refused,
)
from evolink_check.analysis.verdicts import Finding, Strictness, Verdict
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.harness.scenario import Scenario
from evolink_check.client.reports import html, json_report, junit, terminal
from evolink_check.client.reports.summary import Summary
from evolink_check.client.verdicts.verdicts import ScenarioRun, combine, verdicts_of
from evolink_check.traffic.trace import Trace
from evolink_spec.clauses import with_warnings
from support.records.report_builders import undescribed
from support.records.trace_builders import SPEC, START, completed, failed

NASTY = "<script>alert(1)</script>\x1b[31m&"
GOOD = ScenarioRun(PLAIN, DONE.trace(), ended(DONE, "success", saved=WHOLE))
FAILED = asked(failed())
LIAR = ScenarioRun(
    Scenario("fail-x", "The task fails.", expected="failure"),
    FAILED.trace(),
    replace(ended(FAILED, "success"), output=NASTY),
)
REFUSED = refused()
MUTE = ScenarioRun(Scenario("create-402", "No credits."), REFUSED.trace(), ended(REFUSED, errors="no"))
LOST = ScenarioRun(
    Scenario("slow", "Slow."), Trace(()), Outcome("failure", START, START), problem=f"no {NASTY}"
)


LOWERED = with_warnings(CLAUSES, {"client.tells-code"})


def summary(*runs: ScenarioRun, strict: bool = False) -> Summary:
    judged = tuple(
        run
        if run.problem
        else replace(run, verdicts=verdicts_of(run.trace, run.outcome, run.scenario, LOWERED, SPEC))
        for run in runs
    )
    return Summary(f"client {NASTY}", judged, combine(judged, LOWERED), START, 12.5, 3, Strictness(strict))


@pytest.mark.parametrize(
    ("runs", "strict", "status"),
    [
        ((GOOD,), True, 0),
        ((GOOD, MUTE), False, 0),
        ((GOOD, MUTE), True, 1),
        ((GOOD, LIAR), False, 1),
        ((GOOD, LOST), False, 2),
        ((LIAR, LOST), False, 1),
        ((), False, 2),
    ],
)
def test_the_exit_status_is_the_verdict(runs: tuple[ScenarioRun, ...], status: int, *, strict: bool) -> None:
    assert summary(*runs, strict=strict).exit_status == status


def test_the_json_is_as_its_schema_says_and_has_no_other_members() -> None:
    schema = json.loads(
        Path(json_report.__file__).with_name("report.schema.json").read_text(encoding="utf-8")
    )
    validator = jsonschema_rs.Draft202012Validator(schema)
    for one in (summary(GOOD, LIAR, MUTE, LOST), summary(), summary(GOOD)):
        found = json.loads(json_report.to_json(one))
        assert [str(error) for error in validator.iter_errors(found)] == []
        assert undescribed(found, schema, schema) == []


def test_the_json_says_what_broke_where_and_what_to_change() -> None:
    found = json.loads(json_report.to_json(summary(GOOD, LIAR, LOST)))
    assert (found["version"], found["exit_status"], found["seed"], found["seconds"]) == (1, 1, 3, 12.5)
    assert found["score"] == {
        "passed": 20,
        "warning": 0,
        "failed": 1,
        "not_observed": 20,
        "scenarios": 3,
        "could_not_run": 1,
    } | {name: found["score"][name] for name in ("passed", "not_observed")}
    failing = next(one for one in found["clauses"] if one["status"] == "failed")
    assert (failing["id"], failing["scenarios"], failing["level"]) == (
        "client.failed-is-failure",
        ["fail-x"],
        "must",
    )
    (violation,) = found["scenarios"][1]["violations"]
    assert violation["clause"] == "client.failed-is-failure"
    assert violation["evidence"] == [
        {"at": 2.1, "method": "GET", "url": FAILED.entries[1].exchange.url, "status": 200},
    ]
    assert violation["advice"].startswith("Look at `status`")
    assert found["scenarios"][0]["clauses"]["client.reports-success"] == "passed"
    assert found["scenarios"][2]["problem"] == f"no {NASTY}"


@pytest.mark.parametrize(
    ("runs", "colour"),
    [((GOOD,), "brightgreen"), ((GOOD, MUTE), "yellow"), ((LIAR,), "red"), ((LOST,), "lightgrey")],
)
def test_the_badge_is_an_endpoint_of_shields_io(runs: tuple[ScenarioRun, ...], colour: str) -> None:
    found = json.loads(json_report.to_badge(summary(*runs)))
    assert found["schemaVersion"] == 1
    assert found["color"] == colour
    assert found["message"].endswith("rules passed")


def test_the_junit_file_has_a_case_for_each_clause_that_was_observed() -> None:
    root = fromstring(junit.to_junit(summary(GOOD, LIAR, MUTE, LOST)))
    suites = {one.get("name"): one for one in root}
    assert suites.keys() == {"plain", "fail-x", "create-402", "slow"}
    assert suites["plain"].get("failures") == "0"
    (failure,) = root.iter("failure")
    assert "Look at `status`" in (failure.text or "")
    assert [one.get("message") for one in root.iter("error")] == ["no <script>alert(1)</script>\ufffd[31m&"]
    (told,) = root.iter("system-out")
    assert "error.code" in (told.text or "")
    strict = fromstring(junit.to_junit(summary(MUTE, strict=True)))
    assert len(list(strict.iter("failure"))) == 1


def test_the_terminal_begins_with_what_is_broken_and_ends_with_the_score() -> None:
    file = io.StringIO()
    found = summary(GOOD, LIAR, MUTE, LOST)
    terminal.show(found, file)
    text = file.getvalue()
    assert text.startswith("failed          client.failed-is-failure")
    assert text.index("warning         client.tells-code") > 0
    assert "change    Show `error.code`" in text
    assert text.rstrip().endswith(found.score)
    assert "2.10 s  GET https://api.example.test/v1/tasks/" in text
    assert "\x1b" not in text
    assert terminal.line(found.runs[1]).startswith("fail-x: client.failed-is-failure failed")


def test_the_page_has_everything_and_runs_nothing() -> None:
    page = html.to_html(summary(GOOD, LIAR, MUTE, LOST))
    assert page.startswith("<!doctype html>")
    assert page.count('<details class="run exchange">') == 4
    assert page.count('<svg viewBox="0 0 960') == 4 + 2  # of each run, and of each cause
    assert "<img" not in page
    assert "<script>alert(1)" not in page
    assert "\x1b" not in page
    for text in ("client.failed-is-failure", "To change: ", 'id="create-402"', "&lt;script&gt;", "completed"):
        assert text in page, text


def test_that_a_suite_was_cut_short_stands_beside_the_score() -> None:
    cut = replace(summary(GOOD), cut_short="cut short: 1 of 55 scenarios were judged")
    file = io.StringIO()
    terminal.show(cut, file)
    assert (
        file.getvalue()
        .rstrip()
        .endswith("rules passed in 1 scenarios (cut short: 1 of 55 scenarios were judged)")
    )
    assert "(cut short: 1 of 55 scenarios were judged)" in html.to_html(cut)
    assert json.loads(json_report.to_json(cut))["cut_short"] == "cut short: 1 of 55 scenarios were judged"


def test_violations_that_read_alike_in_several_scenarios_are_one() -> None:
    other = replace(LIAR, scenario=replace(LIAR.scenario, id="fail-y"))
    found = summary(LIAR, other)
    (violation,) = found.violations(found.against[0])
    assert (violation.times, violation.sources) == (2, ("fail-x", "fail-y"))
    file = io.StringIO()
    terminal.show(found, file)
    assert "  in        fail-x, fail-y\n" in file.getvalue()


def test_what_failed_comes_before_warnings_which_are_marked() -> None:
    runs = []
    for id_, status, saved in (("link-truncated", 200, PART), ("link-404", 404, None)):
        found = asked(completed(), fetched=status)
        outcome = ended(found, "success", saved=saved)
        runs.append(ScenarioRun(Scenario(id_, "A link."), found.trace(), outcome))
    suite = summary(*runs)
    file = io.StringIO()
    terminal.show(suite, file)
    text = file.getvalue()
    assert text.startswith("failed          client.checks-result")
    assert (
        0 < text.index("in        link-404") < text.index("(only a warning)") < text.index("link-truncated")
    )
    assert text.count("(only a warning)") == html.to_html(suite).count("(only a warning)") == 1
    alone = io.StringIO()
    terminal.show(summary(runs[0]), alone)
    assert alone.getvalue().startswith("warning         client.checks-result")
    assert "(only a warning)" not in alone.getvalue()


def test_a_problem_of_several_scenarios_is_said_once() -> None:
    many = [replace(LOST, scenario=replace(LOST.scenario, id=f"slow-{number}")) for number in range(12)]
    file = io.StringIO()
    terminal.show(summary(*many), file)
    assert file.getvalue().count("no <script>") == 1
    assert "slow-7, and 4 more: no <script>" in file.getvalue()


@pytest.mark.parametrize("field", ["command", "problem", "note", "output", "about", "expected", "seen"])
def test_a_hostile_text_in_any_field_is_shown_as_text(field: str) -> None:
    hostile = {
        name: NASTY if name == field else "plain"
        for name in ("command", "problem", "note", "output", "about")
    }
    finding = Finding(
        passed=False,
        expected=NASTY if field == "expected" else "x",
        seen=NASTY if field == "seen" else "y",
    )
    clause = next(one.clause for one in summary(LIAR).against)
    verdicts = (Verdict(clause, "failed", 1, (finding,)),)
    run = ScenarioRun(
        Scenario("s", hostile["about"]),
        LIAR.trace,
        replace(LIAR.outcome, output=hostile["output"]),
        verdicts,
        hostile["problem"] if field == "problem" else "",
        hostile["note"],
    )
    page = html.to_html(Summary(hostile["command"], (run,), verdicts, START, 1.0, notes=(hostile["note"],)))
    assert "<script>alert(1)" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u001b[31m&amp;" in page


def test_a_strict_run_fails_on_warnings_but_not_on_lowered_clauses() -> None:
    lowered = frozenset({"client.tells-code"})
    strict = replace(summary(MUTE), strictness=Strictness(strict=True, lowered=lowered))
    assert (summary(MUTE, strict=True).exit_status, strict.exit_status) == (1, 0)
