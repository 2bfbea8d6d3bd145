"""What of a trace a report may see: no secrets, and no more than fits."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.analysis.observations import LINKS
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import violation
from evolink_check.engine.recordings import check_recording
from evolink_check.reports import json_report, junit, terminal
from evolink_check.reports.evidence import EXCERPT, TEXT, Evidence
from evolink_check.reports.html.report import to_html
from evolink_check.reports.model import Report, notes_on
from evolink_check.traffic.har.archive import to_har
from evolink_check.traffic.text_redaction import mask_words
from evolink_spec.clauses import load_clauses
from support.records.har_builders import archive, foreign
from support.records.report_builders import report, verdicts
from support.records.trace_builders import SPEC, Tracing, completed, task

if TYPE_CHECKING:
    from pathlib import Path


def everything(one: Report) -> str:
    """What all writers make of a report."""
    file = io.StringIO()
    terminal.show(one, file, verbose=True)
    texts = (file.getvalue(), json_report.to_json(one), junit.to_junit(one).decode(), to_html(one))
    return "".join((*texts, json.dumps(to_har(one.trace, "1"), ensure_ascii=False)))


def test_a_key_under_eight_characters_stands_in_no_report() -> None:
    trace = Tracing()
    trace.create(
        {**task(), "echo": "your key is k3y! indeed", "k3y": 1},
        body={"prompt": "k3y"},
        sent=(("Authorization", "Bearer k3y"), ("X-Mine", "k3y")),
        headers=(("X-Yours", "k3y"), ("Content-Type", "application/json")),
    )
    trace.exchange("GET", "/v1/k3y?key=k3y", 404, b"k3y", problem="k3y")
    judged = verdicts(
        wire__json=(violation(0, expected="no k3y", seen="k3y"), violation(1, expected="x", seen="y"))
    )
    found = everything(
        Report(
            "api", "http://k3y.test", Evidence(TraceView(trace.trace(), SPEC), ["k3y"]), judged, (), 0.0, 1.0,
            command="evolink-check --token k3y", notes=("of k3y",),
        )
    )  # fmt: skip
    assert "k3y" not in found
    assert "your key is " in found


@pytest.mark.parametrize("key", ["hunter", "123456", "swordfish", "opensesame"])
@pytest.mark.parametrize("header", ["X-Api-Key", "Authorization"])
def test_a_key_that_may_be_a_word_stands_in_no_report_of_a_recording(
    header: str, key: str, tmp_path: Path
) -> None:
    value = f"Bearer {key}" if header == "Authorization" else key
    answer = json.dumps({"error": {"message": f"{key} is not known", "code": key}})
    content = {"size": len(answer), "text": answer, "mimeType": "application/json"}
    asked = foreign(
        request={"headers": [{"name": header, "value": value}]}, response={"status": 401, "content": content}
    )
    (tmp_path / "r.har").write_text(json.dumps(archive(asked)), encoding="utf-8")
    found = everything(check_recording([tmp_path / "r.har"], "", SPEC, load_clauses()))
    assert key not in found
    assert "is not known" in found


@pytest.mark.parametrize("key", ["hunter", "123456", "swordfish", "opensesame"])
def test_a_key_that_may_be_a_word_stands_in_no_report_of_the_proxy(key: str) -> None:
    trace = Tracing()
    trace.create({"error": {"message": f"{key} is not known"}}, status=401)
    judged = verdicts(wire__json=(violation(0, expected=f"no {key}", seen=key),))
    evidence = Evidence(TraceView(trace.trace(), SPEC), [key])
    found = everything(Report("proxy", "http://a.test", evidence, judged, (), 0.0, 1.0))
    assert key not in found
    assert "is not known" in found


@pytest.mark.parametrize("text", ["k3ys", "my-k3y", "k3y_1", "monk3y"])
def test_a_short_key_within_a_word_is_a_part_of_that_word(text: str) -> None:
    assert mask_words(text, ["k3y"]) == text
    assert len(mask_words("a k3y.", ["k3y"])) == len("a k3y."), "a mark is as long as what it hides"


def test_a_long_text_of_a_finding_is_cut_and_what_is_left_out_is_counted() -> None:
    found = everything(report(judged=verdicts(wire__json=(violation(0, expected="x", seen="m" * 100_000),))))
    assert "m" * (TEXT + 1) not in found
    assert f"and {100_000 - TEXT:,} more characters" in found


def test_a_long_body_is_cut_before_it_is_looked_at_and_what_is_left_out_is_counted() -> None:
    trace = Tracing()
    trace.create(b"m" * 3_000_000, headers=(("Content-Type", "text/plain"),), body=b"q" * 2_000_000)
    one = report(trace, verdicts(wire__json=(violation(0, expected="x", seen="y"),)))
    excerpt = one.evidence.excerpt(0)
    assert excerpt is not None
    assert (len(excerpt.entry.exchange.response_body), excerpt.response_size) == (EXCERPT, 3_000_000)
    page = to_html(one)
    assert "2,996,000 more characters" in page
    assert "1,996,000 more characters" in page
    assert len(page) < 200_000


def test_findings_without_end_are_counted() -> None:
    many = tuple(violation(0, expected="x", seen=f"kind {number}") for number in range(100_000))
    one = report(judged=verdicts(wire__json=many))
    assert "and 99,997 more, of other kinds" in to_html(one)
    assert "and 99,995 more, of other kinds" in junit.to_junit(one).decode()
    file = io.StringIO()
    terminal.show(one, file)
    assert "99,997 of other kinds" in file.getvalue()


def test_findings_that_were_only_counted_are_in_every_report() -> None:
    first, *others = verdicts(auth__bearer=(violation(0, expected="x", seen="y"),))
    found = everything(report(judged=(replace(first, omitted=4321), *others)))
    assert found.count("4,321") == 3
    assert '"violation_count": 4322' in found


def test_results_without_end_are_counted() -> None:
    trace = Tracing()
    trace.create()
    trace.query(completed(results=[f"https://h.test/{number}.mp4" for number in range(100_000)]))
    assert notes_on(trace.reading()) == (
        f"only the first {LINKS} results in a body were examined; up to 99,900 more were not",
    )
    assert notes_on(Tracing().reading()) == ()


def test_an_entry_that_there_is_not_has_no_excerpt() -> None:
    assert [report().evidence.excerpt(number) for number in (-1, 17)] == [None, None]


def test_what_was_sent_as_a_credential_is_not_shown_where_it_comes_back() -> None:
    trace = Tracing()
    trace.create(sent=(("X-Session-Id", "s3ss10n-0123456789"),))
    trace.query({"message": "no such session: s3ss10n-0123456789"}, 400)
    evidence = Evidence(TraceView(trace.trace(), SPEC))
    assert "s3ss10n" not in str([evidence.excerpt(number) for number in range(len(evidence))])
