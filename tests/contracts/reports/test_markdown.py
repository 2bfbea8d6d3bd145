"""Reports as Markdown and SARIF: what they contain, and that no text of a server becomes markup."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evolink_check.cli.reports.summary_files import write_markdown
from evolink_check.reports import formatting, verdict_tables
from evolink_check.reports.markdown import Page, Table, to_markdown
from support.records.report_builders import full, planted, report

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_summary_has_the_result_the_violations_and_what_was_not_observed() -> None:
    text = to_markdown(verdict_tables.page_of(report()))
    assert text.startswith("## evolink-check api https://api.example.test\n\n❌ **")
    assert "### What failed" in text
    assert "| create.answers-200 | 200 | 201 |" in text
    assert "<details><summary>Not observed</summary>" in text
    assert "```sh\nevolink-check api https://api.example.test --seed 7\n```" in text


def test_text_of_a_server_is_never_markup() -> None:
    text = to_markdown(verdict_tables.page_of(planted()))
    assert "<script" not in text.replace("\\<", "")
    assert "\x1b" not in text
    cells = to_markdown(Page("a|b", "c", failed=False, tables=[Table("t", ("x",), [["1\n| 2 | @me `"]])]))
    assert "| 1 \\| 2 \\| &#64;me \\` |" in cells


def test_violations_in_sarif_stand_at_the_place_of_their_rule() -> None:
    log = json.loads(verdict_tables.to_sarif(full(), formatting.violations))
    results = {result["ruleId"]: result for result in log["runs"][0]["results"]}
    found = results["create.answers-200"]
    assert (found["level"], "Expected: 200. Seen: 201" in found["message"]["text"]) == ("error", True)
    location = found["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "grok-imagine-image-to-video.yaml"
    assert location["logicalLocations"][0]["fullyQualifiedName"].endswith("/responses/200")
    assert results["task.can-cancel"]["partialFingerprints"]


def test_in_github_actions_a_summary_is_appended_to_that_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "job.md"
    job.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    write_markdown(tmp_path / "report.md", "text\n")
    assert job.read_text() == "before\n"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write_markdown(tmp_path / "report.md", "text\n")
    assert job.read_text() == "before\n\ntext\n"
    assert (tmp_path / "report.md").read_text() == "text\n"
