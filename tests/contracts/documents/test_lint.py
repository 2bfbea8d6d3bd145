"""`evolink-check documents`: each kind of contradiction is found at its place, and a sound page has none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from evolink_check.cli.app import app
from evolink_check.documents.findings import RULES
from evolink_check.documents.lint import lint
from support.records import spec_documents
from support.records.drift_documents import REMOVED, edited
from support.records.spec_documents import POST, REQUEST, create

if TYPE_CHECKING:
    from pathlib import Path

P = f"{REQUEST}/properties"
MEDIA = f"{POST}/requestBody/content/application~1json"
LIST = {"type": "array", "items": {"type": "string"}}
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("dangling-ref", {f"{P}/style": {"$ref": "#/components/schemas/Style"}}, f"{P}/style/$ref"),
    ("default-invalid", {f"{P}/n/default": "many"}, f"{P}/n/default"),
    (
        "default-invalid",
        {f"{P}/size": {"type": "string", "enum": ["s", "l"], "default": "m"}},
        f"{P}/size/default",
    ),
    ("example-invalid", {f"{P}/n/example": 1.5}, f"{P}/n/example"),
    ("example-invalid", {f"{P}/n/examples": [1, "2"]}, f"{P}/n/examples/1"),
    ("example-invalid", {f"{MEDIA}/example": {"model": "a"}}, f"{MEDIA}/example"),
    (
        "example-invalid",
        {f"{MEDIA}/examples": {"one": {"value": {"prompt": 5}}}},
        f"{MEDIA}/examples/one/value",
    ),
    (
        "example-undeclared-member",
        {f"{MEDIA}/example": {"prompt": "x", "extra": 1}},
        f"{MEDIA}/example/extra",
    ),
    ("required-undeclared", {f"{REQUEST}/required": ["prompt", "image"]}, f"{REQUEST}/required"),
    ("min-items-missing", {f"{P}/urls": LIST, f"{REQUEST}/required": ["prompt", "urls"]}, f"{P}/urls"),
    ("min-items-missing", {f"{P}/urls": {**LIST, "description": "From 1 to 4 images"}}, f"{P}/urls"),
    ("limit-only-in-prose", {f"{P}/urls": {**LIST, "description": "Up to `4` images"}}, f"{P}/urls"),
    ("limit-only-in-prose", {f"{P}/prompt/description": "At most 500 characters"}, f"{P}/prompt"),
    ("nullable", {f"{P}/n/nullable": True}, f"{P}/n/nullable"),
    ("unreadable", {"/openapi": "2.0"}, "/openapi"),
]


def save(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return str(file)


def test_a_sound_document_has_no_finding(tmp_path: Path) -> None:
    sound = {**LIST, "minItems": 1, "maxItems": 4, "description": "From 1 to 4 images", "example": ["a"]}
    report = lint([save(tmp_path, "a.yaml", edited(create("a"), {f"{P}/urls": sound}))])
    assert (report.documents, report.findings, report.exit_status) == (1, (), 0)


@pytest.mark.parametrize(("rule", "edits", "pointer"), FAULTS)
def test_a_fault_is_found_at_its_place_and_line(
    tmp_path: Path, rule: str, edits: dict[str, Any], pointer: str
) -> None:
    file = save(tmp_path, "a.yaml", edited(create("a"), edits))
    report = lint([file])
    found = [finding for finding in report.findings if finding.rule == rule]
    assert [finding.pointer for finding in found] == [pointer]
    line = (tmp_path / "a.yaml").read_text(encoding="utf-8").splitlines()[found[0].line - 1]
    assert line.strip().lstrip("- ").startswith(pointer.rpartition("/")[2]) or pointer[-1].isdigit()
    assert report.exit_status == (1 if RULES[rule][0] == "error" else 0)


def test_a_model_that_two_documents_describe_differently_is_found_in_the_larger_one(tmp_path: Path) -> None:
    own = save(tmp_path, "own.yaml", create("a"))
    overview = save(tmp_path, "overview.yaml", edited(create("a", "b"), {f"{P}/n": REMOVED}))
    (finding,) = lint([str(tmp_path)]).findings
    assert (finding.rule, finding.file, finding.pointer) == ("model-declared-twice", overview, f"{P}/model")
    assert finding.other == (own, f"{P}/model")
    assert "n" in finding.text
    save(tmp_path, "overview.yaml", create("a", "b"))
    assert lint([str(tmp_path)]).findings == ()


def test_files_of_a_folder_that_hold_no_document_are_left_out_and_named_ones_are_errors(
    tmp_path: Path,
) -> None:
    save(tmp_path, "a.yaml", create("a"))
    save(tmp_path, "over.yaml", spec_documents.overlay())
    (tmp_path / "notes.md").write_text("# Notes", encoding="utf-8")
    assert lint([str(tmp_path)]).documents == 1
    assert [finding.rule for finding in lint([str(tmp_path / "notes.md")]).findings] == ["unreadable"]


def test_the_command_prints_lines_writes_sarif_and_fails_for_errors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = yaml.safe_dump(edited(create("a"), {f"{P}/n/default": "many", f"{P}/n/example": 1.5}))
    page.write_text(f"# A page\n\nText.\n\n````yaml a.json POST /v1\n{text}````\n", encoding="utf-8")
    sarif = tmp_path / "documents.sarif"
    done = CliRunner().invoke(app, ["documents", str(page), "--sarif", str(sarif)])
    assert done.exit_code == 1
    assert "1 error, 1 warning, 0 notes" in done.output
    (log,) = json.loads(sarif.read_text(encoding="utf-8"))["runs"]
    places = [result["locations"][0] for result in log["results"]]
    lines = page.read_text(encoding="utf-8").splitlines()
    shown = [lines[place["physicalLocation"]["region"]["startLine"] - 1].strip() for place in places]
    assert shown == ["default: many", "example: 1.5"]
    assert f"{page}:" in done.output


def test_warnings_fail_only_when_asked(tmp_path: Path) -> None:
    file = save(tmp_path, "a.yaml", edited(create("a"), {f"{P}/n/example": 1.5}))
    assert CliRunner().invoke(app, ["documents", file]).exit_code == 0
    assert CliRunner().invoke(app, ["documents", file, "--strict"]).exit_code == 1
    assert CliRunner().invoke(app, ["documents"]).exit_code == 2
