from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from evolink_check.analysis.verdicts import violation
from evolink_check.reports import junit
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.report_builders import full, planted, report, verdicts


def suite(**more: Any) -> ET.Element:
    root = ET.fromstring(junit.to_junit(report(**more)))
    found = root.find("testsuite")
    assert root.tag == "testsuites"
    assert found is not None
    return found


def case(clause: str, **more: Any) -> ET.Element:
    return next(one for one in suite(**more).iter("testcase") if one.get("name") == clause)


def child(element: ET.Element, name: str) -> ET.Element:
    found = element.find(name)
    assert found is not None, name
    return found


def test_a_clause_is_a_case() -> None:
    assert [one.get("name") for one in suite().iter("testcase")] == [one.clause.id for one in full()]
    assert case("create.answers-200").get("classname") == "evolink.create"


def test_the_suite_counts_what_it_holds() -> None:
    found = suite()
    assert found.get("name") == "evolink-check api https://api.example.test"
    assert found.get("time") == "12.340"
    assert found.get("timestamp") == "2025-09-06T14:42:23"
    counts = {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}
    for attribute, path in counts.items():
        assert found.get(attribute) == str(len(found.findall(path))), attribute
    assert found.get("failures") == "3"
    assert found.get("errors") == "0"


def test_what_is_broken_is_a_failure_with_all_that_repeats_it() -> None:
    failure = child(case("create.answers-200"), "failure")
    assert failure.get("message") == "expected 200, seen 201"
    for words in (
        "is 200, not 201 or 202",
        "/responses/200",
        "request: curl ",
        "--clause create.answers-200",
    ):
        assert words in (failure.text or "")


def test_what_is_kept_is_a_case_and_nothing_else() -> None:
    (properties,) = case("task.final")
    assert [dict(one.attrib) for one in properties] == [{"name": "severity", "value": "failure"}]


def test_what_was_not_observed_is_skipped_and_says_what_would_show_it() -> None:
    one = next(one for one in full() if one.status == "not observed")
    skipped = child(case(one.clause.id), "skipped")
    assert skipped.get("message") == f"not observed; needs {report().conditions.needs(one.clause)}"


def test_what_is_known_is_skipped_and_still_told() -> None:
    one = case("error.shape")
    assert "baseline" in str(child(one, "skipped").get("message"))
    assert "an `error` that is a text" in str(child(one, "system-out").text)


def test_advice_is_told_and_fails_nobody() -> None:
    one = case("task.can-cancel")
    assert one.find("failure") is None
    assert "`can_cancel` false" in str(child(one, "system-out").text)


def test_violations_without_end_are_not_all_shown() -> None:
    many = tuple(violation(expected="x", seen=f"kind {number}") for number in range(9))
    assert "and 4 more, of other kinds" in str(
        child(case("wire.json", judged=verdicts(wire__json=many)), "failure").text
    )


def test_notes_and_credits_stand_at_the_end() -> None:
    text = str(child(suite(), "system-out").text)
    assert "10 of 20 credits" in text
    assert "no other key was given" in text


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = junit.to_junit(planted()).decode()
    ET.fromstring(text)
    assert not {char for char in text if ord(char) < 32} - {"\n"}
    assert "<script" not in text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_whatever_is_seen_it_is_xml(seen: str) -> None:
    one = report(
        judged=verdicts(wire__json=(violation(0, expected=seen, seen=seen),)), subject=seen, notes=(seen,)
    )
    ET.fromstring(junit.to_junit(one))


@settings(max_examples=20, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9]{12,40}[0-9]", fullmatch=True))
def test_no_secret_is_written(secret: str) -> None:
    assert secret not in junit.to_junit(planted(secret, "oh")).decode()
