"""Right traffic of every document of the family is accused of nothing, and wrong traffic by the right document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from evolink_check.analysis.request_faults import create_faults, operation_of
from evolink_check.cli.app import app
from evolink_check.engine.recordings import check_recording
from evolink_mock.domain.units import Speed
from evolink_spec import Spec, load
from evolink_spec.clauses import load_clauses
from support.mocks.in_process import playing
from support.records import family_documents as family

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.mocks.in_process import Mock

PAGES = {name: page for name, page in family.creations().items() if not name.endswith("overview")}
JSON = (("content-type", "application/json"),)
SPEED = Speed(5.0, 5.0)
ORIGIN = "http://mock.test"
AUTO = {"wan-auto": {"duration": -1}, "qwen-per-image": {"n": 2}, "clips-n": {"n": 3}, "layers": {"n": 4}}
OLDER = {"reel-beta": "reel", "tune-music": "tune-4", "banana-alias": "banana-2-lite"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pages = {**family.creations(), "get-task-detail": family.query()}
    return family.save(tmp_path_factory.mktemp("family"), pages)


@pytest.fixture(scope="module")
def spec(folder: Path) -> Spec:
    return load(folder)


@pytest.fixture(scope="module")
def mock(spec: Spec) -> Iterator[Mock]:
    with playing(spec, duration=SPEED) as mock:
        yield mock


def asked(mock: Mock, method: str, path: str, key: str, body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    answer = mock.run(mock.client.request(method, path, headers=headers, json=body))
    return answer.json()


def traffic(mock: Mock, name: str, page: dict[str, Any]) -> list[Any]:
    """The HAR entries of an account that creates, cancels, errs and polls."""
    key, path, models = f"key-of-{name}-0123456789", next(iter(page["paths"])), family.models_of(page)
    bodies = [family.request_of(page, model) for model in models]
    bodies += [
        bodies[0] | AUTO.get(name, {}),
        bodies[0] | {"prompt": "A cat [[cancel]]"},
        bodies[0] | {"prompt": 7},
    ]
    bodies += [bodies[0] | {"model": OLDER[name]}] if name in OLDER else []
    ids = [asked(mock, "POST", path, key, body).get("id") for body in bodies]
    asked(mock, "GET", "/v1/credits", key)
    for seconds in (2, 4, 4):
        mock.clock.advance(seconds)
        for task in filter(None, ids):
            asked(mock, "GET", f"/v1/tasks/{task}", key)
    asked(mock, "GET", "/v1/credits", key)
    entries: list[Any] = asked(mock, "GET", "/__mock__/journal.har", key)["log"]["entries"]
    return entries


def test_a_right_recording_of_every_document_is_accused_of_nothing(
    mock: Mock, spec: Spec, tmp_path: Path
) -> None:
    entries = [entry for name, page in PAGES.items() for entry in traffic(mock, name, page)]
    assert len(entries) > 5 * len(PAGES)
    path = tmp_path / "family.har"
    path.write_text(
        json.dumps({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": entries}})
    )
    report = check_recording([path], ORIGIN, spec, load_clauses(), about="server", complete=False)
    accused = {verdict.clause.id for verdict in report.verdicts if verdict.status in {"failed", "warning"}}
    assert accused == set()
    passed = {verdict.clause.id for verdict in report.verdicts if verdict.status == "passed"}
    assert {"create.answers-200", "task.final", "create.types", "error.shape", "failure.cancelled"} <= passed


def test_the_command_takes_the_documents_to_check_against(mock: Mock, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.har"
    log: dict[str, Any] = {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": []}
    log["entries"] = traffic(mock, "reel-per-second", PAGES["reel-per-second"])
    path.write_text(json.dumps({"log": log}))
    results = [
        CliRunner().invoke(app, ["recording", str(path), "--origin", ORIGIN, *options])
        for options in ([], ["--only-spec", str(folder)], ["--spec", str(folder)])
    ]
    assert [result.exit_code for result in results] == [0, 0, 0], results[1].output
    # The built-in document does not describe the model, so the requests are judged only with the documents.
    note = "were not judged: no document describes the model"
    assert [note in " ".join(result.output.split()) for result in results] == [True, False, False]


def faults(spec: Spec, medium: str, body: dict[str, Any]) -> list[tuple[str, bool]]:
    creates = spec.creates["POST", family.PATHS[medium]]
    return [(fault.clause, fault.sure) for fault in create_faults(JSON, json.dumps(body).encode(), creates)]


@pytest.mark.parametrize(
    ("body", "clause"),
    [
        ({"prompt": "A cat"}, "create.required"),
        ({"model": 7}, "create.types"),
        ({"model": "nobody-knows"}, "model.enum"),
    ],
)
def test_a_body_of_an_unknown_document_has_one_certain_fault(
    spec: Spec, body: dict[str, Any], clause: str
) -> None:
    assert faults(spec, "video", body) == [(clause, True)]


def test_clauses_on_facts_of_one_model_are_not_charged_to_others(spec: Spec) -> None:
    body = {"model": "reel-1", "prompt": "A cat", "quality": "4k"}
    assert faults(spec, "video", body) == [("create.types", True)]
    assert faults(spec, "video", body | {"quality": "480p"}) == []


def test_an_older_name_selects_the_document_of_its_model(spec: Spec) -> None:
    creates = spec.creates["POST", family.PATHS["audio"]]
    assert operation_of({"model": "tune-4"}, creates) is creates["tune-4-beta"]
    assert faults(spec, "audio", {"model": "tune-4", "prompt": "A song"}) == []
