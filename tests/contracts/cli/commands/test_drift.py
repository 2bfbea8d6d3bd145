"""`evolink-check drift`: exit statuses, reports, baseline, and what can be compared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner
from evolink_check.cli.app import app
from evolink_spec.loading import vendored
from support.mocks.mock_process import served
from support.paths import ROOT
from support.records.drift_documents import BODY, POST, edited, page
from support.records.har_builders import archive

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

P = f"{BODY}/properties"
SCHEMA = ROOT / "contracts/evolink_check/drift/reports/report.schema.json"
PAGE = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
NARROWED = {f"{P}/duration/maximum": 10, f"{POST}/operationId": "makeVideo"}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["drift", *map(str, words)])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The page as YAML, and its narrowed version as a saved documentation page."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.md"
    old.write_text(yaml.safe_dump(page()), encoding="utf-8")
    text = yaml.safe_dump(edited(page(), NARROWED))
    new.write_text(f"# A page\n\n````yaml dancer.json POST /v1/videos\n{text}````\n", encoding="utf-8")
    return old, new


def test_a_breaking_change_is_shown_with_its_places_and_proof_and_fails(pair: tuple[Path, Path]) -> None:
    done = run(*pair)
    assert done.exit_code == 1
    assert "breaking" in done.output
    assert "request duration: maximum is 10, was 12" in done.output
    assert f"{pair[0]}#{P}/duration" in done.output
    assert f"{pair[1]}#{P}/duration" in done.output
    assert '"duration": 11' in done.output
    assert "1 breaking, 1 notice, 0 non-breaking" in done.output


def test_a_baseline_that_cannot_be_used_is_refused_before_the_comparison(tmp_path: Path) -> None:
    assert "--update-baseline requires --baseline FILE" in run("no.yaml", "no.md", "--update-baseline").output
    folder = run("no.yaml", "no.md", "--baseline", tmp_path, "--update-baseline")
    assert f"{tmp_path}: is a folder" in folder.output
    missing = run("no.yaml", "no.md", "--baseline", tmp_path / "no.json")
    assert "no.json: cannot be read: No such file or directory" in missing.output


def test_a_wider_page_passes(pair: tuple[Path, Path]) -> None:
    assert run(pair[1], pair[0]).exit_code == 0


def test_the_reports_agree(pair: tuple[Path, Path], tmp_path: Path) -> None:
    files = {name: tmp_path / f"drift.{name}" for name in ("json", "sarif", "junit", "html")}
    done = run(*pair, *(word for name, file in files.items() for word in (f"--{name}", file)))
    assert done.exit_code == 1
    report = json.loads(files["json"].read_text(encoding="utf-8"))
    jsonschema_rs.validate(json.loads(SCHEMA.read_text(encoding="utf-8")), report)
    assert (report["exit_status"], report["counts"]) == (1, {"breaking": 1, "notice": 1, "non-breaking": 0})
    change = report["changes"][0]
    assert (change["kind"], change["old"]["value"], change["new"]["value"]) == (
        "request-limit-tightened",
        "12",
        "10",
    )
    assert change["new"]["pointer"] == f"{P}/duration"
    assert change["proof"]["body"]["duration"] == 11
    (log,) = json.loads(files["sarif"].read_text(encoding="utf-8"))["runs"]
    assert [result["level"] for result in log["results"]] == ["error", "warning"]
    place = log["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(pair[1])
    line = pair[1].read_text(encoding="utf-8").splitlines()[place["region"]["startLine"] - 1]
    assert line.strip() == "duration:"
    suites = ET.fromstring(files["junit"].read_bytes())
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    html = files["html"].read_text(encoding="utf-8")
    assert "maximum is 10, was 12" in html
    assert "request-limit-tightened" in html


def test_a_known_change_does_not_fail_and_a_new_one_does(pair: tuple[Path, Path], tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    assert run(*pair, "--baseline", known, "--update-baseline").exit_code == 0
    done = run(*pair, "--baseline", known)
    assert done.exit_code == 0
    assert "1 breaking (1 known)" in done.output
    pair[1].write_text(yaml.safe_dump(edited(page(), {f"{P}/duration/maximum": 9})), encoding="utf-8")
    done = run(*pair, "--baseline", known)
    assert done.exit_code == 1
    assert "in the baseline but no longer occurs" in done.output


def test_strict_consumers_do_not_tolerate_new_values(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    status = "/components/schemas/Answer/properties/status/enum"
    old.write_text(json.dumps(page()), encoding="utf-8")
    new.write_text(json.dumps(edited(page(), {status: lambda words: [*words, "paused"]})), encoding="utf-8")
    assert run(old, new).exit_code == 0
    assert run(old, new, "--strict-consumers").exit_code == 1


def test_folders_are_compared_page_by_page_and_what_holds_no_document_is_left_out(tmp_path: Path) -> None:
    def save(folder: str, name: str, document: Any) -> None:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(yaml.safe_dump(document), encoding="utf-8")

    def of(model: str) -> dict[str, Any]:
        return edited(
            page(), {f"{P}/model": {"type": "string", "enum": [model]}, f"{POST}/operationId": model}
        )

    save("old", "a.yaml", of("a-1"))
    save("old", "b.yaml", of("b-1"))
    save("old", "notes.md", "nothing")
    save("new", "a.yaml", edited(of("a-1"), {f"{P}/duration/maximum": 30}))
    save("new", "c.yaml", of("c-1"))
    done = run(tmp_path / "old", tmp_path / "new", "--json", "-")
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [(change["kind"], change["verdict"]) for change in report["changes"]] == [
        ("model-removed", "breaking"),
        ("request-limit-relaxed", "non-breaking"),
        ("model-added", "non-breaking"),
    ]
    assert "notes.md" in " ".join(report["notes"])


def test_the_documents_of_a_running_mock_are_the_built_in_ones(tmp_path: Path) -> None:
    with served() as url:
        done = run(vendored()[0].parent, f"{url}/__mock__/spec")
        assert (done.exit_code, "0 breaking, 0 notices, 0 non-breaking" in done.output) == (0, True)
        assert run(f"{url}/nowhere", url).exit_code == 2
    assert run(tmp_path / "missing.yaml", tmp_path / "missing.yaml").exit_code == 2


def test_the_worked_example_is_as_the_page_shows_it() -> None:
    done = run(*vendored(), ROOT / "examples" / "drift" / "live-page.overlay.yaml", "--json", "-")
    shown = re.findall(r"^\| (breaking|notice|non-breaking) \| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    changes = json.loads(done.stdout)["changes"]
    assert done.exit_code == 1
    assert [(change["verdict"], change["field"], change["text"]) for change in changes] == shown


@pytest.mark.parametrize("words", [["one.yaml"], ["a", "b", "c"], []])
def test_two_sources_are_needed(words: list[str]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert "OLD NEW" in done.output


def test_a_recording_is_compared_with_the_new_documents(pair: tuple[Path, Path], tmp_path: Path) -> None:
    kind = {"name": "content-type", "value": "application/json"}
    body = json.dumps({"model": "dancer-2", "prompt": "x", "duration": 12})
    url = "https://api.example.com/v1/videos/generations"
    request = {"method": "POST", "url": url, "headers": [], "postData": {"mimeType": "a", "text": body}}
    answer = {"text": '{"id": "task-1", "status": "paused"}', "mimeType": "application/json"}
    response = {"status": 200, "headers": [kind], "content": answer}
    started = "2026-01-01T00:00:00Z"
    entry = {"startedDateTime": started, "time": 1, "request": request, "response": response}
    recording = tmp_path / "today.har"
    recording.write_text(json.dumps(archive(entry)), encoding="utf-8")
    done = run("--recording", recording, pair[1])
    assert (done.exit_code, "recording 200 status" in done.output) == (0, True)
    assert run("--recording", recording, pair[1], "--strict-consumers").exit_code == 1
    done = run("--recording", recording, *pair)
    assert done.exit_code == 1
    assert "recording duration: was accepted, but" in done.output
    assert "request duration: maximum is 10, was 12" in done.output
    assert run("--recording", tmp_path / "missing.har", pair[1]).exit_code == 2
