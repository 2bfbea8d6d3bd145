"""A folder of documents with each feature of the published family is read, and what only their prose says."""

from __future__ import annotations

from pathlib import Path

import pytest
from evolink_spec import Spec, SpecError
from evolink_spec.corpus.cache import DocumentCache
from evolink_spec.errors import ManySpecError
from evolink_spec.loading import load
from support.records import family_documents as family
from support.records.spec_documents import changed, create, saved

VIDEO, IMAGE, AUDIO = (("POST", path) for path in family.PATHS.values())
PAGES = {**family.creations(), "get-task-detail": family.query(), **family.others()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = family.save(tmp_path_factory.mktemp("family"), PAGES)
    (folder / "README.md").write_text("# Nothing to serve here\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def spec(folder: Path) -> Spec:
    return load(folder)


def source_of(spec: Spec, key: tuple[str, str], model: str) -> str:
    return Path(spec.creates[key][model].source).stem


def test_the_corpus_has_at_least_forty_documents_and_every_creation_is_served(spec: Spec) -> None:
    assert len(PAGES) >= 40
    served = {
        Path(operation.source).stem for by_model in spec.creates.values() for operation in by_model.values()
    }
    assert set(family.creations()) - served == {"studio-overview"}  # each of its models has a page of its own


def test_pages_that_are_no_task_are_told_in_one_line(spec: Spec) -> None:
    (line,) = (warning for warning in spec.warnings if warning.startswith("skipped"))
    assert line.startswith("skipped 8 documents without a task operation: README.md, chat.mdx,")
    assert line.endswith(" and 3 more")


def test_an_error_without_an_example_is_told_once_for_each_document(spec: Spec) -> None:
    (line,) = (warning for warning in spec.warnings if "has no example" in warning)
    assert "journey-no-examples.yaml#/paths/" in line
    assert line.endswith("the usual body of this status is used (6 times)")


def test_a_model_that_an_overview_declares_too_has_the_document_of_its_own(spec: Spec) -> None:
    assert source_of(spec, VIDEO, "studio-2") == "studio-2"
    assert source_of(spec, IMAGE, "flow-2") == "flow-2"
    assert source_of(spec, IMAGE, "flow-3") == "image-overview"


@pytest.mark.parametrize(
    ("key", "model", "older"),
    [
        (VIDEO, "reel-beta", {"reel": "reel-beta"}),
        (IMAGE, "banana-pro-beta", {"banana-2-lite": "banana-pro-beta"}),
        (
            AUDIO,
            "tune-5-beta",
            {"tune-5": "tune-5-beta", "tune-4.5plus": "tune-4.5plus-beta", "tune-4": "tune-4-beta"},
        ),
        (AUDIO, "voice-1", {}),
    ],
)
def test_older_names_are_read_from_the_description_of_the_model(
    spec: Spec, key: tuple[str, str], model: str, older: dict[str, str]
) -> None:
    assert spec.creates[key][model].aliases == older


@pytest.mark.parametrize(
    ("key", "model", "seconds"),
    [
        (VIDEO, "reel-1", 24 * 3600),
        (AUDIO, "tune-5-beta", 72 * 3600),
        (IMAGE, "journey-8", 30 * 86400),
        (IMAGE, "journey-7", 24 * 3600),
    ],
)
def test_the_life_of_a_link_is_read_from_the_description(
    spec: Spec, key: tuple[str, str], model: str, seconds: float
) -> None:
    assert spec.creates[key][model].prose.link_seconds == seconds


def test_the_number_of_results_and_what_a_task_gives_besides_files(spec: Spec) -> None:
    assert [
        spec.creates[key][model].prose.results
        for key, model in (
            (IMAGE, "journey-7"),
            (IMAGE, "journey-8"),
            (AUDIO, "tune-5-beta"),
            (VIDEO, "reel-1"),
        )
    ] == [4, 4, 2, 1]
    without_files = {
        model
        for by_model in spec.creates.values()
        for model, operation in by_model.items()
        if not operation.prose.has_files
    }
    assert without_files == {"element-1", "character-1", "tune-persona"}
    assert spec.creates[IMAGE]["layers-1"].prose.has_layers


def test_only_documents_with_such_a_status_can_be_cancelled(spec: Spec) -> None:
    cancelled = {
        Path(operation.source).stem
        for by_model in spec.creates.values()
        for operation in by_model.values()
        if operation.statuses.cancelled
    }
    assert cancelled == {"horse-cancelled", "tune-music"}


def test_nullable_is_read_as_null_allowed(spec: Spec) -> None:
    error = spec.documents[spec.query.source]["components"]["schemas"]["TaskDetailResponse"]["properties"][
        "error"
    ]
    assert error["type"] == ["object", "null"]
    kling = spec.creates[VIDEO]["kling-3"].body_schema["x-subject"]
    assert kling["properties"]["element_id"]["type"] == ["string", "null"]


def test_a_cached_document_is_the_one_that_was_read(folder: Path, tmp_path: Path) -> None:
    cache = DocumentCache(tmp_path)
    first = load(folder, cache=cache)
    files = sorted(tmp_path.iterdir())
    assert load(folder, cache=cache) == first
    assert sorted(tmp_path.iterdir()) == files
    for file in files:
        file.write_bytes(b"{")
    assert load(folder, cache=cache) == first


def test_a_document_that_changes_is_read_again(tmp_path: Path) -> None:
    cache = DocumentCache(tmp_path / "cache")
    path = saved(tmp_path, "one.json", create("m-1"))
    assert [*load(path, cache=cache).creates["POST", "/v1/images/generations"]] == ["m-1"]
    saved(tmp_path, "one.json", create("m-2"))
    assert [*load(path, cache=cache).creates["POST", "/v1/images/generations"]] == ["m-2"]


def test_a_pattern_stands_for_its_files(folder: Path) -> None:
    spec = load(str(folder / "tune-*.mdx"))
    assert [*spec.creates] == [AUDIO]
    with pytest.raises(SpecError, match="matches no file"):
        load(str(folder / "none-*"))


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="has no document"):
        load(tmp_path)


def test_the_problems_of_all_documents_are_told_at_once(tmp_path: Path) -> None:
    pointer = "/components/schemas/Request/properties/prompt/unknown"
    for number in range(2):
        saved(tmp_path, f"{number}.json", changed(create(f"m-{number}"), pointer, 1))
    saved(tmp_path, "2.json", changed(create("m-2"), "/openapi", "3.0.3"))
    saved(tmp_path, "3.json", create("m-3"))
    with pytest.raises(ManySpecError) as caught:
        load(tmp_path)
    assert [(Path(error.source).name, error.pointer) for error in caught.value.errors] == [
        ("0.json", pointer),
        ("1.json", pointer),
        ("2.json", "/openapi"),
    ]
    assert len(str(caught.value).splitlines()) == 3


def test_documents_are_added_to_the_built_in_one_for_its_other_models(folder: Path) -> None:
    built_in = next(iter(load().creates[VIDEO]))
    both = load(folder, with_built_in=True)
    assert {built_in, "reel-1"} <= both.creates[VIDEO].keys()
    assert built_in not in load(folder).creates[VIDEO]


def test_a_document_of_the_user_stands_in_place_of_the_built_in_one(tmp_path: Path) -> None:
    built_in = str(next(iter(load().creates[VIDEO])))
    page = family.create("video", built_in, "another")
    spec = load(saved(tmp_path, "mine.json", page), with_built_in=True)
    assert source_of(spec, VIDEO, built_in) == "mine"


def test_an_alias_of_the_prose_gives_way_to_a_model_of_that_name(tmp_path: Path) -> None:
    older = family.text(enum=["m-2"], description="Backward compatible: `m-1` is still supported")
    saved(tmp_path, "2.json", family.create("image", "m-2", model=older))
    assert load(tmp_path).creates[IMAGE]["m-2"].aliases == {"m-1": "m-2"}
    saved(tmp_path, "1.json", create("m-1"))
    assert load(tmp_path).creates[IMAGE]["m-2"].aliases == {}
