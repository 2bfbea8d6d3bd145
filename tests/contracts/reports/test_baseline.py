from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.analysis.verdicts import Finding, Verdict, violation
from evolink_check.reports import baseline
from evolink_check.reports.baseline import Baseline
from evolink_spec.clauses import load_clauses
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.report_builders import report

if TYPE_CHECKING:
    from pathlib import Path

CLAUSES = {clause.id: clause for clause in load_clauses()}
SECRET = "s3cr3tAbcdef0123456789"


def verdict(*violations: Finding, clause: str = "create.answers-200", status: str = "failed") -> Verdict:
    return Verdict(CLAUSES[clause], status, len(violations) or 1, violations)  # type: ignore[arg-type]


def seen(text: str, expected: str = "200") -> Finding:
    return violation(0, expected=expected, seen=text)


def same(one: str, other: str) -> bool:
    return (
        baseline.as_known("a.b", seen(one)).fingerprint == baseline.as_known("a.b", seen(other)).fingerprint
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("task-unified-1757169743-7cvnl5zw again", "task-unified-1757169799-00000000 again"),
        ("created 1757169743, +12 s from it", "created 1757169800, -3 s from it"),
        ("120 s", "500 s"),
        ("2.5 s", "3 s"),
        ("3 times 500", "4 times 500"),
        ("progress 100", "progress 137"),
        ("https://a.test/b.mp4 again", "https://c.test/?d again"),
        ("at 2025-09-06T14:42:23Z", "at 2026-01-01 00:00:00.5+02:00"),
        ("trace 0af7651916cd43dd", "trace b7ad6b7169203331"),
        ("854x480", "480x854"),
        ("a  line", "a line"),
    ],
)
def test_what_differs_from_run_to_run_is_the_same_deviation(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("500", "404"), ("status 200", "status 201"), ("503 with HTML", "502 with HTML"), ("no id", "no usage")],
)
def test_another_status_or_another_word_is_another_deviation(one: str, other: str) -> None:
    assert not same(one, other)


def test_what_was_expected_tells_deviations_apart() -> None:
    both = [
        baseline.as_known("a.b", seen("200", f"400 for {field}: another type"))
        for field in ("mode", "prompt")
    ]
    assert both[0].fingerprint != both[1].fingerprint


def test_only_what_is_broken_is_recorded() -> None:
    noted = verdict(seen("x"), clause="wire.slashes", status="warning")
    fine = verdict(clause="wire.json", status="passed")
    found = baseline.baseline_of([noted, fine, verdict(seen("201"), seen("202"), seen("201"))])
    assert {(one.clause, one.seen) for one in found.known} == {
        ("create.answers-200", text) for text in ("201", "202")
    }
    assert len(found.known) == 2


def test_the_file_says_the_same_whatever_the_order(tmp_path: Path) -> None:
    one, other = verdict(seen("201"), seen("202")), verdict(seen("x"), clause="wire.json")
    text = baseline.to_json(baseline.baseline_of([one, other]))
    assert text == baseline.to_json(
        baseline.baseline_of([other, replace(one, violations=one.violations[::-1])])
    )
    path = tmp_path / "known.json"
    path.write_text(text, encoding="utf-8")
    assert baseline.read(path) == baseline.baseline_of([one, other])


def test_the_file_is_made_to_be_reviewed() -> None:
    text = baseline.to_json(baseline.baseline_of([verdict(seen("201"))]))
    (one,) = json.loads(text)["known"]
    assert (one["clause"], one["expected"], one["seen"]) == ("create.answers-200", "200", "201")
    assert text.count("\n") > 6


def test_no_secret_is_written() -> None:
    leaking = verdict(
        seen(f"called https://h.test/c?s={SECRET} with Bearer {SECRET}", SECRET.join(["https://x:", "@y"]))
    )
    assert SECRET not in baseline.to_json(baseline.baseline_of(report(judged=(leaking,)).verdicts))


def test_a_verdict_of_which_all_is_known_does_not_fail() -> None:
    before = verdict(seen("201"), seen("202"))
    (after,) = baseline.apply([before], baseline.baseline_of([before]))
    assert (after.known, after.fails, after.status, after.violations) == (
        True,
        False,
        "failed",
        before.violations,
    )


def test_what_is_new_stays_and_fails() -> None:
    before = verdict(seen("201"), seen("500"))
    (after,) = baseline.apply([before], baseline.baseline_of([verdict(seen("201"))]))
    assert (after.known, after.fails, after.violations) == (False, True, (seen("500"),))


def test_what_is_known_of_one_clause_excuses_no_other() -> None:
    (after,) = baseline.apply(
        [verdict(seen("x"), clause="wire.json")], baseline.baseline_of([verdict(seen("x"))])
    )
    assert after.fails


def test_what_is_not_broken_is_not_touched() -> None:
    others = [
        verdict(seen("201"), status="warning"),
        verdict(status="passed"),
        verdict(status="not observed"),
    ]
    assert baseline.apply(others, baseline.baseline_of([verdict(seen("201"))])) == tuple(others)


def test_what_was_looked_for_and_not_found_is_told() -> None:
    book = baseline.baseline_of([verdict(seen("201"))])
    (note,) = baseline.notes_on_fixed([verdict(status="passed")], book)
    assert "create.answers-200" in note
    assert "remove it" in note
    assert baseline.notes_on_fixed([verdict(seen("202"))], book)
    assert not baseline.notes_on_fixed([verdict(seen("201"))], book)


def test_what_was_not_observed_may_still_be_there() -> None:
    assert not baseline.notes_on_fixed(
        [verdict(status="not observed")], baseline.baseline_of([verdict(seen("201"))])
    )


def test_what_was_not_looked_at_stays_known() -> None:
    fixed, other = verdict(seen("201")), verdict(seen("x"), clause="wire.json")
    before = baseline.baseline_of([fixed, other])
    now = [
        replace(fixed, status="passed", violations=()),
        replace(other, status="not observed", violations=()),
    ]
    assert [one.clause for one in baseline.update(now, before).known] == ["wire.json"]
    assert baseline.update(now[:1], before) == baseline.baseline_of([other])
    assert baseline.update([fixed, other], before) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not a baseline"),
        ('{"version": 1}', "not a baseline.*known"),
        ('{"version": 2, "known": []}', "version 2"),
        ('{"version": 1, "known": [{"clause": "a.b"}]}', "not a baseline"),
    ],
)
def test_a_file_that_is_no_baseline_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"known.json: .*{words}"):
        baseline.read(path)


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), max_size=4), st.lists(st.text(max_size=12), max_size=4))
def test_whatever_is_seen_a_run_fails_for_what_no_baseline_knows(old: list[str], new: list[str]) -> None:
    book = baseline.baseline_of([verdict(*map(seen, old))])
    (after,) = baseline.apply([verdict(*map(seen, [*old, *new]))], book)
    fingerprints = {one.fingerprint for one in book.known}
    fresh = [
        text
        for text in new
        if baseline.as_known("create.answers-200", seen(text)).fingerprint not in fingerprints
    ]
    assert after.fails == bool(fresh)
    if fresh:
        assert [one.seen for one in after.violations] == fresh


def test_nothing_is_known_of_a_fresh_baseline() -> None:
    before = verdict(seen("201"))
    assert baseline.apply([before], Baseline()) == (before,)
