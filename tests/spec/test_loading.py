from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml
from evolink_spec import CallbackRules, Spec, SpecError, Statuses
from evolink_spec.loading import OVERLAY, QUERY, load, vendored
from evolink_spec.pointers import follow
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.records.spec_documents import (
    FOUR,
    GET,
    POST,
    REMOVED,
    REQUEST,
    VENDORED_CREATE,
    VENDORED_QUERY,
    aliasing,
    changed,
    create,
    overlay,
    places,
    query,
    saved,
)

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "grok-imagine-image-to-video-beta"
VIDEOS = ("POST", "/v1/videos/generations")
IMAGES = ("POST", "/v1/images/generations")
VIDEOS_POST = VENDORED_CREATE["paths"]["/v1/videos/generations"]["post"]
TASKS_GET = VENDORED_QUERY["paths"]["/v1/tasks/{task_id}"]["get"]
LOADED = load()
CREATE = LOADED.creates[VIDEOS][MODEL]


def loaded(folder: Path, *documents: dict[str, Any]) -> Spec:
    return load(*(saved(folder, f"{number}.json", one) for number, one in enumerate(documents)))


def refused(folder: Path, *documents: dict[str, Any]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loaded(folder, *documents)
    return caught.value


# What the vendored documents say


def test_the_vendored_document_describes_one_create_for_one_model() -> None:
    assert {key: [*by_model] for key, by_model in LOADED.creates.items()} == {VIDEOS: [MODEL]}
    assert (CREATE.id, CREATE.medium, CREATE.models) == (VIDEOS_POST["operationId"], "video", (MODEL,))
    assert (CREATE.source, CREATE.pointer) == (str(vendored()[0]), "/paths/~1v1~1videos~1generations/post")
    assert follow(VENDORED_CREATE, CREATE.pointer, "") == VIDEOS_POST


def test_the_old_name_of_the_model_leads_to_the_new_one() -> None:
    assert CREATE.aliases == {"grok-imagine-image-to-video": MODEL}


def test_the_defaults_are_those_of_the_document() -> None:
    assert CREATE.defaults == {"model": MODEL, "duration": 6, "mode": "normal", "quality": "480p"}


def test_the_callback_rules_are_read_from_the_overlay() -> None:
    rules = CallbackRules(field="callback_url", max_length=2048, timeout=10, retries=(1, 2, 4))
    assert CREATE.callback == rules


def test_the_thirteen_failures_are_read_with_their_advice() -> None:
    assert Counter(failure.advice for failure in LOADED.failures) == {
        "fix-request": 5,
        "retry-later": 6,
        "give-up": 2,
    }
    assert len({failure.code for failure in LOADED.failures}) == 13
    assert all(len(failure.message.splitlines()) == 2 for failure in LOADED.failures)


@pytest.mark.parametrize(
    ("operation", "document"), [(CREATE, VIDEOS_POST), (LOADED.query, TASKS_GET)], ids=["create", "query"]
)
def test_the_errors_are_the_documented_ones_with_their_bodies(operation: Any, document: Any) -> None:
    documented = {int(status): one for status, one in document["responses"].items() if status != "200"}
    assert operation.success == 200
    assert operation.errors.keys() == documented.keys()
    for status, found in operation.errors.items():
        assert (found.status, found.description) == (status, documented[status]["description"])
        assert found.body == documented[status]["content"]["application/json"]["example"]


def test_the_query_is_the_built_in_one() -> None:
    query = LOADED.query
    assert (query.method, query.path, query.parameter) == ("GET", "/v1/tasks/{task_id}", "task_id")
    assert (query.id, query.source) == ("getTaskDetail", str(QUERY))
    assert query.statuses == CREATE.statuses == Statuses(*FOUR)


def test_the_answer_is_made_of_the_examples_of_the_document() -> None:
    assert CREATE.answer == {
        "created": 1757169743,
        "id": "task-unified-1757169743-7cvnl5zw",
        "model": MODEL,
        "object": "video.generation.task",
        "progress": 0,
        "status": "pending",
        "task_info": {"can_cancel": True, "estimated_time": 120},
        "type": "video",
        "usage": {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"},
    }


def test_the_body_schema_is_the_published_one_without_what_the_overlay_adds() -> None:
    accepts = jsonschema_rs.Draft202012Validator(dict(CREATE.body_schema), validate_formats=True).is_valid
    request = VIDEOS_POST["requestBody"]["content"]["application/json"]["examples"]["image_to_video"]["value"]
    assert accepts(request)
    assert accepts(request | {"callback_url": "http://127.0.0.1/"})  # refused, but not by the schema
    assert not accepts(request | {"duration": 7})
    assert not accepts([request])
    assert CREATE.properties == request.keys() | {"callback_url"}


def test_the_documents_are_kept_as_the_overlays_leave_them() -> None:
    assert LOADED.documents.keys() == {str(vendored()[0]), str(QUERY)}
    post = LOADED.documents[str(vendored()[0])]["paths"]["/v1/videos/generations"]["post"]
    assert "callbacks" in post
    assert post.items() >= {key: one for key, one in VIDEOS_POST.items() if key != "responses"}.items()


# Documents of the family


@pytest.mark.parametrize(
    ("path", "makes", "words"),
    [
        ("/v1/images/generations", "image", ("queued", "in_progress", "succeeded", "failed")),
        ("/v1/audios/generations", "audio", ("pending", "processing", "completed", "failed", "cancelled")),
        ("/v1/anything", "video", ("submitted", "success", "error")),
    ],
)
def test_a_document_of_the_family_is_read_by_the_same_rule(
    tmp_path: Path, path: str, makes: str, words: tuple[str, ...]
) -> None:
    spec = loaded(tmp_path, create("m-1", path=path, makes=makes, words=words))
    operation = spec.creates["POST", path]["m-1"]
    assert operation.medium == makes
    assert operation.statuses.initial == words[0]
    assert {operation.statuses.success, operation.statuses.failure} < {*words}
    assert operation.answer["object"] == f"{makes}.generation.task"
    assert operation.defaults == {"n": 1}
    assert spec.query == LOADED.query
    assert spec.failures == LOADED.failures


def test_a_document_is_the_same_in_yaml_in_json_and_on_a_page(tmp_path: Path) -> None:
    document = create("m-1")
    block = yaml.safe_dump(document)
    texts = {"d.json": json.dumps(document), "d.yaml": block, "d.md": f"# Page\n\n````yaml\n{block}````\n"}
    found = []
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        spec = load(path)
        found.append((spec.creates[IMAGES]["m-1"].body_schema, spec.documents[str(path)]))
    assert found[0] == found[1] == found[2]


def test_documents_that_differ_by_their_models_share_a_path(tmp_path: Path) -> None:
    one, other = create("m-1", "m-2"), create("m-3")
    by_model = loaded(tmp_path, one, other).creates[IMAGES]
    assert {model: operation.source[-6:] for model, operation in by_model.items()} == {
        "m-1": "0.json",
        "m-2": "0.json",
        "m-3": "1.json",
    }


def test_a_model_that_may_be_any_text_is_served_under_its_default(tmp_path: Path) -> None:
    model = f"{REQUEST}/properties/model"
    one, other = (changed(create(), model, {"type": "string", "default": name}) for name in ("m-1", "m-2"))
    assert [*loaded(tmp_path, one, other).creates[IMAGES]] == ["m-1", "m-2"]


def test_a_document_without_models_answers_for_the_rest(tmp_path: Path) -> None:
    by_model = loaded(tmp_path, create("m-1"), create()).creates[IMAGES]
    assert by_model[None].source.endswith("1.json")
    assert by_model[None].models == ()


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ((["m-1", "m-2"], ["m-3", "m-2"]), "describes model 'm-2', as does "),
        (([], []), "names no model, as does "),
    ],
)
def test_two_documents_for_one_model_are_refused_and_both_named(
    tmp_path: Path, models: tuple[list[str], list[str]], problem: str
) -> None:
    other = changed(create(*models[1]), f"{REQUEST}/properties/prompt", {"type": "string", "maxLength": 9})
    error = refused(tmp_path, create(*models[0]), other)
    assert (error.source, error.pointer) == (str(tmp_path / "1.json"), POST)
    assert problem + str(tmp_path / "0.json") in error.problem


def test_the_same_document_saved_twice_is_one(tmp_path: Path) -> None:
    by_model = loaded(tmp_path, create("m-1"), create("m-1")).creates[IMAGES]
    assert by_model["m-1"].source.endswith("0.json")


@pytest.mark.parametrize("turn", [1, -1])
def test_a_model_belongs_to_the_document_with_the_fewest_models(tmp_path: Path, turn: int) -> None:
    documents = [create("m-1", "m-2", "m-3"), create("m-2")][::turn]
    by_model = loaded(tmp_path, *documents).creates[IMAGES]
    assert {model: operation.models for model, operation in by_model.items()} == {
        "m-1": ("m-1", "m-2", "m-3"),
        "m-2": ("m-2",),
        "m-3": ("m-1", "m-2", "m-3"),
    }


def test_documents_may_use_the_same_operation_id(tmp_path: Path) -> None:
    by_model = loaded(tmp_path, create("m-1"), create("m-2")).creates[IMAGES]
    assert by_model["m-1"].id == by_model["m-2"].id
    assert by_model["m-1"].source != by_model["m-2"].source


# The query


def test_a_query_of_the_user_stands_in_place_of_the_built_in_one(tmp_path: Path) -> None:
    spec = loaded(tmp_path, query(), create("m-1"))
    assert (spec.query.path, spec.query.parameter) == ("/v1/jobs/{job_id}", "job_id")
    assert str(QUERY) not in spec.documents
    assert spec.failures == LOADED.failures  # it names none of its own


def test_a_query_may_name_failures_of_its_own(tmp_path: Path) -> None:
    failure = {"code": "tired", "message": "Tired.\nSleep first.", "advice": "retry-later"}
    error = {"type": "object", "x-evolink-failures": [failure]}
    document = changed(query(), "/components/schemas/Task/properties/error", error)
    document = changed(document, "/components/schemas/Task/properties/progress", REMOVED)  # not the overlay's
    spec = loaded(tmp_path, document, create("m-1"))
    assert [one.code for one in spec.failures] == ["tired"]


def test_the_same_query_in_two_documents_is_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, query(), query(), create()).query.source.endswith("0.json")


@pytest.mark.parametrize(
    "other",
    [query("/v1/tasks/{id}"), changed(query(), f"{GET}/responses/404", REMOVED)],
    ids=["path", "errors"],
)
def test_two_queries_that_differ_are_refused_and_both_named(tmp_path: Path, other: dict[str, Any]) -> None:
    error = refused(tmp_path, query(), other, create())
    assert error.source == str(tmp_path / "1.json")
    assert f"second task query; the first is /v1/jobs/{{job_id}} in {tmp_path / '0.json'}" in error.problem


def test_documents_without_a_create_are_refused_and_named(tmp_path: Path) -> None:
    error = refused(tmp_path, query())
    assert error.source == str(tmp_path / "0.json")
    assert error.problem == "describe no operation that creates a task"


# Overlays given with the documents


@pytest.mark.parametrize("turn", [1, -1])
def test_an_alias_comes_from_an_overlay_wherever_it_stands(tmp_path: Path, turn: int) -> None:
    spec = loaded(tmp_path, *[create("m-1"), aliasing(old="m-1")][::turn])
    assert spec.creates[IMAGES]["m-1"].aliases == {"old": "m-1"}


def test_an_overlay_changes_what_is_accepted(tmp_path: Path) -> None:
    shorter = overlay({"target": "$..properties.prompt", "update": {"maxLength": 3}})
    schema = dict(loaded(tmp_path, create("m-1"), shorter).creates[IMAGES]["m-1"].body_schema)
    assert [jsonschema_rs.is_valid(schema, {"prompt": text}) for text in ("abc", "abcd")] == [True, False]


def test_an_overlay_takes_away_what_is_not_understood(tmp_path: Path) -> None:
    document = create("m-1")
    document["paths"]["/v1/chat/completions"] = {"post": {"responses": {}}}
    without = overlay({"target": "$.paths['/v1/chat/completions']", "remove": True})
    (warning,) = loaded(tmp_path, document).warnings
    assert "#/paths/~1v1~1chat~1completions/post: skipped: is neither a create" in warning
    assert loaded(tmp_path, document, without).warnings == ()


def test_an_overlay_alone_is_applied_to_the_vendored_documents(tmp_path: Path) -> None:
    (model,) = {model for by_model in load().creates.values() for model in by_model}
    spec = loaded(tmp_path, aliasing(oldest=str(model)))
    (operation,) = {one.id: one for by_model in spec.creates.values() for one in by_model.values()}.values()
    assert operation.aliases["oldest"] == model


@pytest.mark.parametrize(
    ("documents", "problem"),
    [
        ([create("m-1"), aliasing(old="m-2")], "'m-2' is not one of m-1"),
        (
            [create("m-1", "m-2"), aliasing(**{"m-2": "m-1"})],
            "the alias 'm-2' to 'm-1', but that name belongs",
        ),
        (
            [create("m-1"), overlay({"target": "$..model", "update": {"x-evolink-aliases": ["old"]}})],
            "mapping",
        ),
        (
            [create("m-1"), overlay({"target": "$..model", "update": {"enum": [3]}})],
            "as text, not ['m-1', 3]",
        ),
    ],
)
def test_an_overlay_that_makes_no_sense_is_refused(
    tmp_path: Path, documents: list[dict[str, Any]], problem: str
) -> None:
    error = refused(tmp_path, *documents)
    assert problem in error.problem
    assert error.source == str(tmp_path / "0.json")


def test_an_alias_of_two_models_is_refused(tmp_path: Path) -> None:
    aliases = f"{REQUEST}/properties/model/x-evolink-aliases"
    documents = [changed(create(name), aliases, {"old": name}) for name in ("m-1", "m-2")]
    error = refused(tmp_path, *documents)
    assert (error.source, error.pointer) == (str(tmp_path / "1.json"), POST)
    assert "the alias 'old' to 'm-2', but that name belongs to another model" in error.problem


def test_a_document_that_the_built_in_overlay_does_not_fit_is_named(tmp_path: Path) -> None:
    document = create("m-1") | {"x-more": {"properties": {"callback_url": "text"}}}
    error = refused(tmp_path, document)
    assert error.source == str(tmp_path / "0.json")
    assert f"does not fit the built-in overlay: {OVERLAY}" in error.problem


# What is no document


@pytest.mark.parametrize(
    ("pointer", "value", "at", "problem"),
    [
        ("/openapi", "3.0.3", "/openapi", "is '3.0.3': only OpenAPI 3.1 is supported"),
        ("/openapi", "3.10.0", "/openapi", "is '3.10.0': only OpenAPI 3.1 is supported"),
        ("/openapi", 3.1, "/openapi", "is 3.1: only OpenAPI 3.1 is supported"),
        ("/openapi", REMOVED, "", "has no `openapi` version"),
        ("/webhooks", {}, "/webhooks", "is not a supported field here"),
        (
            "/jsonSchemaDialect",
            "http://json-schema.org/draft-07/schema#",
            "/jsonSchemaDialect",
            "not a supported dialect",
        ),
        ("/components/schema", {}, "/components/schema", "is not a supported field here"),
        ("/components/examples", [], "/components/examples", "must be a mapping, not list"),
        ("/paths", {}, "/paths", "describes no operation"),
        ("/paths", REMOVED, "", "has no 'paths'"),
    ],
)
def test_a_document_of_another_kind_is_refused_where_it_says_so(
    tmp_path: Path, pointer: str, value: Any, at: str, problem: str
) -> None:
    error = refused(tmp_path, changed(create("m-1"), pointer, value))
    assert (error.source, error.pointer) == (str(tmp_path / "0.json"), at)
    assert problem in error.problem


def test_the_rest_of_an_openapi_document_is_let_pass(tmp_path: Path) -> None:
    document = create() | {
        "x-logo": {"$ref": "elsewhere"},
        "tags": [{"name": "a"}],
        "externalDocs": {"url": "/"},
    }
    document["jsonSchemaDialect"] = "https://spec.openapis.org/oas/3.1/dialect/base"
    names = (
        "callbacks",
        "examples",
        "headers",
        "links",
        "parameters",
        "pathItems",
        "requestBodies",
        "responses",
    )
    document["components"] |= {name: {} for name in names}
    assert IMAGES in loaded(tmp_path, document).creates


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml")


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"not": deep}
    circle = {"allOf": [{"$ref": "#/components/schemas/Request"}], "type": "object"}
    for schema in (deep, circle):
        error = refused(tmp_path, changed(create("m-1"), REQUEST, schema))
        assert error.source == str(tmp_path / "0.json")
        assert re.search("nested too deeply, or refers to itself|Recursion limit", error.problem)


# Any change of a good document

ANY_JSON: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, -1.5, 10**400, "", "text", "#/components/schemas/ErrorResponse", "("),
        *([], [None], ["a"], [{}], [[]], {}, {"": {}}, {"a": 1}, {"properties": True}, {"allOf": [True, {}]}),
        *({"$ref": "other.yaml#/a"}, {"$ref": "#/components/schemas/ErrorResponse"}, {"$ref": "#/paths"}),
    ]
)
WORDS = st.sampled_from(
    [
        *("$id", "$ref", "200", "2XX", "allOf", "anyOf", "const", "content", "data", "default", "enum"),
        *("dependentSchemas", "example", "examples", "get", "id", "if", "items", "model", "not", "nullable"),
        *("parameters", "pattern", "post", "properties", "required", "responses", "security", "servers"),
        *("status", "type", "unknown", "x-evolink-aliases", "x-evolink-callback", "x-evolink-failures"),
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[dict[str, Any], bool]:
    """A vendored document changed at one to three places, and whether it is the query."""
    is_query = draw(st.booleans())
    document = VENDORED_QUERY if is_query else VENDORED_CREATE
    for _ in range(draw(st.integers(1, 3))):
        pointer = draw(st.sampled_from([*places(document)]))
        if draw(st.booleans()):
            document = changed(document, pointer, draw(ANY_JSON | st.just(REMOVED)))
        elif isinstance(follow(document, pointer, ""), dict):
            document = changed(document, f"{pointer}/{draw(WORDS)}", draw(ANY_JSON))
    return document, is_query


@given(mutated())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example((VENDORED_CREATE, False))
@example((VENDORED_QUERY, True))
def test_any_change_of_a_document_is_read_or_refused_with_its_place(
    tmp_path: Path, change: tuple[dict[str, Any], bool]
) -> None:
    document, is_query = change
    path = saved(tmp_path, "changed.json", document)
    others = vendored() if is_query else ()
    error = error_of(path, *others)
    assert error is None or (error.source == str(path) and error.problem)
    assert error is None or error.pointer == "" or error.pointer.startswith("/")


def error_of(*files: Path) -> SpecError | None:
    try:
        load(*files)
    except SpecError as error:
        return error
    return None
